import { argon2, createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'

/** What a sealed file holds beside the secret: everything needed to open it but the passphrase. Version 1. */
interface SealedFile {
  readonly schema: 'svc-dht/sealed/1'
  /** What the secret is for; bound to the ciphertext, so a file cannot be used as another's. */
  readonly purpose: string
  readonly kdf: { readonly name: 'argon2id', readonly memoryKib: number, readonly passes: number, readonly lanes: number, readonly salt: string }
  readonly cipher: { readonly name: 'chacha20-poly1305', readonly nonce: string, readonly tag: string }
  readonly sealed: string
}

/** How hard argon2id works for a key. */
export interface KdfWork { readonly memoryKib: number, readonly passes: number, readonly lanes: number }

/** RFC 9106 §4, second recommended option: 64 MiB, 3 passes, 4 lanes. */
const KDF: KdfWork = { memoryKib: 65_536, passes: 3, lanes: 4 }
/** A file may not make us work harder than this to find out that it is not ours. */
const MAX_KDF = { memoryKib: 1_048_576, passes: 16, lanes: 16 }
const MAX_FILE_BYTES = 64 * 1024
const KEY_BYTES = 32
const SALT_BYTES = 16
const NONCE_BYTES = 12
const TAG_BYTES = 16

const deriveKey = promisify(argon2)

/** Seals `secret` under the passphrase: argon2id, then ChaCha20-Poly1305 over it with the file's other fields as associated data. */
export async function seal (purpose: string, secret: Uint8Array, passphrase: Uint8Array, work = KDF): Promise<string> {
  return await new Sealer(passphrase, work).seal(purpose, secret)
}

/** @throws {Error} with a sentence for the operator: not a sealed file, for another purpose, or the wrong passphrase */
export async function open (purpose: string, text: string, passphrase: Uint8Array): Promise<Uint8Array> {
  return await new Sealer(passphrase).open(purpose, text)
}

/** Seals and opens many files under one passphrase, and derives the key of those that share their salt only once. */
export class Sealer {
  readonly #passphrase: Uint8Array
  readonly #work: KdfWork
  #kdf: SealedFile['kdf'] | undefined
  #key: Promise<Buffer> | undefined

  constructor (passphrase: Uint8Array, work = KDF) {
    this.#passphrase = passphrase
    this.#work = work
  }

  async seal (purpose: string, secret: Uint8Array): Promise<string> {
    // A file that was opened may have been made with less work than we ask for.
    const { memoryKib, passes, lanes } = this.#work
    const isStrong = this.#kdf?.memoryKib === memoryKib && this.#kdf.passes === passes && this.#kdf.lanes === lanes
    const kdf = this.#kdf !== undefined && isStrong ? this.#kdf : { name: 'argon2id' as const, memoryKib, passes, lanes, salt: randomBytes(SALT_BYTES).toString('base64') }
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('chacha20-poly1305', await this.#keyOf(kdf), nonce, { authTagLength: TAG_BYTES })
    cipher.setAAD(associatedData(purpose, kdf), { plaintextLength: secret.byteLength })
    const sealed = Buffer.concat([cipher.update(secret), cipher.final()])
    const file: SealedFile = {
      schema: 'svc-dht/sealed/1',
      purpose,
      kdf,
      cipher: { name: 'chacha20-poly1305', nonce: nonce.toString('base64'), tag: cipher.getAuthTag().toString('base64') },
      sealed: sealed.toString('base64'),
    }
    return `${JSON.stringify(file, null, 2)}\n`
  }

  /** @throws {Error} as {@link open} */
  async open (purpose: string, text: string): Promise<Uint8Array> {
    const file = parseSealedFile(text)
    if (file.purpose !== purpose) throw new Error(`it holds a secret for ${JSON.stringify(file.purpose)}, not for ${JSON.stringify(purpose)}`)
    const key = await this.#keyOf(file.kdf)
    try {
      const decipher = createDecipheriv('chacha20-poly1305', key, Buffer.from(file.cipher.nonce, 'base64'), { authTagLength: TAG_BYTES })
      const sealed = Buffer.from(file.sealed, 'base64')
      decipher.setAAD(associatedData(purpose, file.kdf), { plaintextLength: sealed.byteLength })
      decipher.setAuthTag(Buffer.from(file.cipher.tag, 'base64'))
      return Buffer.concat([decipher.update(sealed), decipher.final()])
    } catch (cause) {
      throw new Error('the passphrase does not open it, or it was altered', { cause })
    }
  }

  async #keyOf (kdf: SealedFile['kdf']): Promise<Buffer> {
    if (this.#key === undefined || JSON.stringify(kdf) !== JSON.stringify(this.#kdf)) {
      this.#kdf = kdf
      this.#key = keyFrom(kdf, this.#passphrase)
    }
    return await this.#key
  }
}

/** The first line of a passphrase file. @throws {Error} when others can read it, or it is empty */
export function readPassphrase (path: string): Uint8Array {
  const file = openSync(path, 'r')
  try {
    // Of the open file, not of the path: container secrets are reached through symlinks.
    if ((fstatSync(file).mode & 0o077) !== 0) throw new Error(`${path} can be read by other users: chmod 600 it`)
    const passphrase = readFileSync(file, 'utf8').split('\n', 1)[0]?.replace(/\r$/, '') ?? ''
    if (passphrase === '') throw new Error(`${path} has no passphrase in its first line`)
    return Buffer.from(passphrase)
  } finally {
    closeSync(file)
  }
}

function parseSealedFile (text: string): SealedFile {
  if (text.length > MAX_FILE_BYTES) throw new Error('it is too large to be a sealed file')
  let file: Partial<SealedFile>
  try {
    file = JSON.parse(text) as Partial<SealedFile>
  } catch (cause) {
    throw new Error('it is not a sealed file', { cause })
  }
  if (file?.schema !== 'svc-dht/sealed/1') throw new Error(`its schema ${JSON.stringify(file?.schema)} is not known to this version`)
  const { kdf, cipher, sealed, purpose } = file
  const isKdfSane = kdf?.name === 'argon2id' && isBase64(kdf.salt, SALT_BYTES) &&
    isCount(kdf.lanes, MAX_KDF.lanes) && isCount(kdf.passes, MAX_KDF.passes) &&
    isCount(kdf.memoryKib, MAX_KDF.memoryKib) && kdf.memoryKib >= 8 * kdf.lanes // RFC 9106 §3.1
  const isCipherSane = cipher?.name === 'chacha20-poly1305' && isBase64(cipher.nonce, NONCE_BYTES) && isBase64(cipher.tag, TAG_BYTES)
  if (!isKdfSane || !isCipherSane || !isBase64(sealed) || typeof purpose !== 'string') throw new Error('its fields are not those of a sealed file')
  return file as SealedFile
}

function isCount (value: unknown, max: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max
}

/** True for the one base64 text of some bytes; a lenient decoder would pass over characters that somebody changed. */
function isBase64 (text: unknown, sizeBytes?: number): boolean {
  if (typeof text !== 'string') return false
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text && (sizeBytes === undefined || bytes.byteLength === sizeBytes)
}

async function keyFrom ({ memoryKib, passes, lanes, salt }: SealedFile['kdf'], passphrase: Uint8Array): Promise<Buffer> {
  return await deriveKey('argon2id', {
    message: passphrase, nonce: Buffer.from(salt, 'base64'), memory: memoryKib, passes, parallelism: lanes, tagLength: KEY_BYTES,
  })
}

function associatedData (purpose: string, kdf: SealedFile['kdf']): Buffer {
  return Buffer.from(JSON.stringify(['svc-dht/sealed/1', purpose, kdf.name, kdf.memoryKib, kdf.passes, kdf.lanes, kdf.salt]))
}
