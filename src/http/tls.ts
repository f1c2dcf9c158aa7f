import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createSecureContext, type TlsOptions, type Server } from 'node:tls'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'

export interface TlsFiles {
  /** PEM: the certificate, then its intermediates. */
  readonly certFile: string
  readonly keyFile: string
  /** PEM: who may have signed a client's certificate. Empty: clients need none. */
  readonly clientCaFile: string
}

interface Deps {
  readonly metrics: Metrics['http']
  readonly log: Logger
}

/** macronode security §3. Node offers these names to OpenSSL; TLS 1.3 has no others that we would want. */
const POLICY = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
  ecdhCurve: 'X25519:P-256',
  honorCipherOrder: true,
  handshakeTimeout: 5000,
} satisfies TlsOptions

/** The certificates of one listener, and their replacement while it runs. */
export class Certificates {
  readonly #files: TlsFiles
  readonly #deps: Deps
  #options: TlsOptions
  #server: Server | undefined

  /** @throws {Error} with a sentence that names the file which cannot be used */
  constructor (files: TlsFiles, deps: Deps) {
    this.#files = files
    this.#deps = deps
    this.#options = readOptions(files)
    this.#tellEnd(this.#options)
  }

  get options (): TlsOptions { return this.#options }

  /** Takes over a server that was made with `options`. */
  guard (server: Server): void {
    this.#server = server
    // Node would pass the failure on to the handler of broken HTTP, which answers in plain text.
    server.removeAllListeners('tlsClientError')
    server.on('tlsClientError', (err: NodeJS.ErrnoException, socket) => {
      this.#deps.metrics.tlsFailures.inc()
      this.#deps.log.debug({ code: err.code }, 'TLS handshake failed')
      socket.destroy()
    })
  }

  /** Reads the files again, for every connection from now on. Those that are open stay. False when the files are no good: then the old ones stay. */
  reload (): boolean {
    try {
      const options = readOptions(this.#files)
      this.#server?.setSecureContext(options)
      this.#options = options
      this.#tellEnd(options)
    } catch (err) {
      this.#deps.log.error({ event: 'certificates_refused', err }, 'the new certificates cannot be used: those in force stay')
      return false
    }
    this.#deps.log.info({ event: 'certificates_reloaded', file: this.#files.certFile }, 'certificates reloaded')
    return true
  }

  #tellEnd ({ cert }: TlsOptions): void {
    this.#deps.metrics.certificateEnds.set(new X509Certificate(cert as Buffer).validToDate.getTime() / 1000)
  }
}

function readOptions ({ certFile, keyFile, clientCaFile }: TlsFiles): TlsOptions {
  const cert = read(certFile, 'the certificate')
  const key = read(keyFile, 'the private key', READABLE_BY_ANYBODY)
  const ca = clientCaFile === '' ? undefined : read(clientCaFile, 'the certificate authority of clients')
  assertUsable(`${certFile}: no certificate in PEM`, () => new X509Certificate(cert))
  assertUsable(`${keyFile}: no private key in PEM`, () => createPrivateKey(key))
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) throw new Error(`${keyFile}: not the key of the certificate in ${certFile}`)
  if (ca !== undefined) assertUsable(`${clientCaFile}: no certificate in PEM`, () => new X509Certificate(ca))
  const options: TlsOptions = { ...POLICY, cert, key, ...(ca !== undefined && { ca, requestCert: true, rejectUnauthorized: true }) }
  assertUsable(`${certFile}: TLS cannot be set up with it`, () => createSecureContext(options))
  return options
}

/** A group may read the key, as that of those who get certificates; not everybody on the machine. */
const READABLE_BY_ANYBODY = 0o007

/** @param forbidden bits of its mode with which the file is not used */
function read (file: string, what: string, forbidden = 0): Buffer {
  let isExposed: boolean
  let bytes: Buffer
  try {
    isExposed = (statSync(file).mode & forbidden) !== 0
    bytes = readFileSync(file)
  } catch (err) {
    throw new Error(`${file}: ${what} cannot be read (${(err as NodeJS.ErrnoException).code})`, { cause: err })
  }
  if (isExposed) throw new Error(`${file}: ${what} can be read by everybody on this machine: chmod o-rwx it, and have a new one made if others were here`)
  return bytes
}

/** The failure of OpenSSL is not passed on: it could hold what it read. */
function assertUsable (fault: string, attempt: () => unknown): void {
  try {
    attempt()
  } catch {
    throw new Error(fault)
  }
}
