import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { createServer } from '../../src/http/server.ts'
import { Certificates } from '../../src/http/tls.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'

const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] })

function hasOpenssl (): boolean {
  try {
    return /^OpenSSL [3-9]/.test(openssl('version').toString())
  } catch {
    return false
  }
}
const skip = hasOpenssl() ? false : 'the openssl program, version 3 or later, is not installed'

/** An authority in `<name>.crt`, and what it signed. */
function makeAuthority (folder: string, name: string) {
  const at = (file: string) => join(folder, file)
  openssl('req', '-x509', '-newkey', 'ed25519', '-nodes', '-days', '2', '-subj', `/CN=${name}`, '-keyout', at(`${name}.key`), '-out', at(`${name}.crt`))
  const sign = (subject: string) => {
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${subject}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', at(`${subject}.key`), '-out', at(`${subject}.csr`))
    openssl('x509', '-req', '-days', '1', '-in', at(`${subject}.csr`), '-CA', at(`${name}.crt`), '-CAkey', at(`${name}.key`), '-copy_extensions', 'copy', '-out', at(`${subject}.crt`))
    return { cert: at(`${subject}.crt`), key: at(`${subject}.key`) }
  }
  return { cert: at(`${name}.crt`), sign }
}

async function serve (t: Test, folder: string, clientCaFile = '') {
  const metrics = createMetrics()
  const logs: string[] = []
  const log = createLogger({ level: 'debug' }, { write: line => { logs.push(line) } })
  const certificates = new Certificates({ certFile: join(folder, 'server.crt'), keyFile: join(folder, 'server.key'), clientCaFile }, { metrics: metrics.http, log })
  const app = createServer({ service: 'admin', inFlight: 10, tls: certificates }, { metrics: metrics.http, log, now: Date.now })
  app.get('/', async () => ({ ok: true }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => {
    app.server.closeAllConnections()
    return app.close()
  })
  const { port } = app.server.address() as AddressInfo
  const failures = async () => (await metrics.http.tlsFailures.get()).values[0]?.value ?? 0
  /** A connection, or the failure. TLS 1.3 tells a client of a refused certificate only after its own handshake. */
  const dial = async (options: ConnectionOptions): Promise<TLSSocket | Error> => {
    const socket = connect({ port, host: '127.0.0.1', ca: readFileSync(join(folder, 'ca.crt')), ...options })
    t.teardown(() => socket.destroy())
    const first = await Promise.race([
      once(socket, 'secureConnect').then(async () => {
        socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
        await once(socket, 'data')
        return socket
      }),
      once(socket, 'close').then(() => new Error('closed')),
    ]).catch((err: unknown) => err as Error)
    return first
  }
  const ends = async () => (await metrics.http.certificateEnds.get()).values[0]?.value
  return { app, port, certificates, failures, ends, dial, logs }
}

t.test('TLS 1.3 only, with the ciphers and groups of the policy', { skip }, async t => {
  const folder = t.testdir()
  makeAuthority(folder, 'ca').sign('server')
  const { dial, failures } = await serve(t, folder)
  for (const cipher of ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']) {
    for (const ecdhCurve of ['X25519', 'P-256']) {
      const socket = await dial({ ciphers: cipher, ecdhCurve })
      if (socket instanceof Error) return t.fail(`${cipher} ${ecdhCurve}: ${socket.message}`)
      t.equal(socket.getProtocol(), 'TLSv1.3')
      t.equal(socket.getCipher().name, cipher)
      const { name, type } = socket.getEphemeralKeyInfo() as { name?: string, type?: string }
      t.equal(name, ecdhCurve === 'P-256' ? 'prime256v1' : 'X25519', String(type))
    }
  }
  const preferred = await dial({ ecdhCurve: 'P-256:X25519' })
  t.ok(preferred instanceof Error === false, 'a client that prefers P-256 is served')
  t.equal(await failures(), 0)
  const refused = [{ maxVersion: 'TLSv1.2' }, { ecdhCurve: 'P-521' }, { ciphers: 'TLS_AES_128_CCM_SHA256' }] as const
  for (const options of refused) t.ok(await dial(options) instanceof Error, JSON.stringify(options))
  t.equal(await failures(), refused.length)
})

t.test('a private key that everybody may read is not used, neither at the start nor later', { skip }, async t => {
  const folder = t.testdir()
  makeAuthority(folder, 'ca').sign('server')
  const key = join(folder, 'server.key')
  chmodSync(key, 0o644)
  await t.rejects(serve(t, folder), { message: /server\.key: the private key can be read by everybody.*chmod/ })
  chmodSync(key, 0o640)
  const { certificates, dial, logs } = await serve(t, folder)
  chmodSync(key, 0o604)
  t.equal(certificates.reload(), false)
  t.match(logs.join(''), /certificates_refused/)
  t.ok(await dial({}) instanceof Error === false, 'the one in force goes on')
})

t.test('plain HTTP on the TLS port is closed and counted, and nothing of it is answered', { skip }, async t => {
  const folder = t.testdir()
  makeAuthority(folder, 'ca').sign('server')
  const { port, failures, logs } = await serve(t, folder)
  await t.rejects(fetch(`http://127.0.0.1:${port}/`, { headers: { authorization: 'Bearer never-to-be-logged' } }), { cause: { code: /^(UND_ERR_SOCKET|ECONNRESET)$/ } })
  t.equal(await failures(), 1)
  t.notMatch(logs.join(''), 'never-to-be-logged')
})

t.test('with an authority for clients only those it signed are served', { skip }, async t => {
  const folder = t.testdir()
  const authority = makeAuthority(folder, 'ca')
  authority.sign('server')
  const [client, stranger] = [authority.sign('client'), makeAuthority(folder, 'other').sign('stranger')]
  const { dial, failures } = await serve(t, folder, authority.cert)
  const as = ({ cert, key }: { cert: string, key: string }) => ({ cert: readFileSync(cert), key: readFileSync(key) })
  t.notOk(await dial(as(client)) instanceof Error)
  t.ok(await dial({}) instanceof Error, 'no certificate')
  t.ok(await dial(as(stranger)) instanceof Error, 'of another authority')
  t.equal(await failures(), 2)
})

t.test('new certificates are in force for new connections, and open ones go on', { skip }, async t => {
  const folder = t.testdir()
  const authority = makeAuthority(folder, 'ca')
  authority.sign('server')
  const renewed = authority.sign('renewed')
  const { port, certificates, ends, dial, logs } = await serve(t, folder)
  const subjectOf = (socket: TLSSocket | Error) => socket instanceof Error ? socket.message : String(socket.getPeerCertificate().subject.CN)
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: readFileSync(authority.cert) })
  t.teardown(() => agent.destroy())
  const ask = async () => {
    const sent = request({ agent, port, host: '127.0.0.1', path: '/' }).end()
    const [response] = await once(sent, 'response')
    response.resume()
    await once(response, 'end')
    return { status: response.statusCode, reused: sent.reusedSocket }
  }
  t.match(await ask(), { status: 200, reused: false })
  t.equal(subjectOf(await dial({})), 'server')

  writeFileSync(join(folder, 'server.crt'), 'no certificate')
  t.equal(certificates.reload(), false)
  t.equal(subjectOf(await dial({})), 'server', 'the old ones stay')
  copyFileSync(renewed.cert, join(folder, 'server.crt'))
  t.equal(certificates.reload(), false, 'a key of another certificate')
  t.equal(logs.filter(line => line.includes('those in force stay')).length, 2)

  copyFileSync(renewed.key, join(folder, 'server.key'))
  t.equal(certificates.reload(), true)
  t.equal(subjectOf(await dial({})), 'renewed')
  t.match(await ask(), { status: 200, reused: true }, 'the open connection was not dropped')
  t.equal(await ends(), new X509Certificate(readFileSync(renewed.cert)).validToDate.getTime() / 1000, 'operators see when it ends')
})

t.test('what cannot be used is named at the start, without a word of its content', { skip }, async t => {
  const folder = t.testdir({ 'junk.pem': 'SECRET junk' })
  chmodSync(join(folder, 'junk.pem'), 0o600)
  makeAuthority(folder, 'ca').sign('server')
  const files = { certFile: join(folder, 'server.crt'), keyFile: join(folder, 'server.key'), clientCaFile: '' }
  const deps = { metrics: createMetrics().http, log: createLogger({ level: 'silent' }) }
  for (const name of ['certFile', 'keyFile', 'clientCaFile'] as const) {
    t.throws(() => new Certificates({ ...files, [name]: join(folder, 'absent') }, deps), { message: /absent.*ENOENT/ })
    try {
      t.fail(String(new Certificates({ ...files, [name]: join(folder, 'junk.pem') }, deps)))
    } catch (err) {
      t.match(String(err), /junk\.pem: no (certificate|private key) in PEM/)
      t.notMatch(String(err), 'SECRET')
    }
  }
})
