import { closeSync, fstatSync, openSync, readFileSync, unlinkSync } from 'node:fs'
import { DhtError } from '../core/errors.ts'
import { replaceFile, writeNewFile } from '../kms/private-file.ts'
import { open, readPassphrase, seal, type KdfWork } from '../kms/sealed-file.ts'
import { actor as actorForm, HEX_32, type Actor, type Role } from './actor.ts'
import type { Envelope } from './envelope.ts'
import { object, oneOf, text, type Form, type Of } from './form.ts'
import { isMacOf, macOf, memoryForm, remember, toSigned, type SignerMemory, type ToSign } from './signer-memory.ts'
import { addSignatures, generateSeeds, toActor, toSigningKeys, type Seeds } from './signing.ts'

const MAX_FILE_BYTES = 1024 * 1024
const SEED_BYTES = 32
const READABLE_BY_OTHERS = 0o077

const sealedPart: Form<object> = value => value as object // `open` checks its fields itself
const fileForm = object({
  schema: oneOf('svc-dht/governance/signer-key/1'),
  actor: actorForm,
  /** Both seeds, under the passphrase; bound to the actor. */
  sealed: sealedPart,
  signed: memoryForm,
  mac: text(64, HEX_32),
})
type KeyFile = Of<typeof fileForm>

const publicForm = object({ schema: oneOf('svc-dht/governance/public-key/1'), actor: actorForm })

/** Asked only when a key is to be opened. */
export type PassphraseSource = () => Promise<Uint8Array>

/** How hard it is made to guess the passphrase. */
export type KeyWork = KdfWork

/** What of a key anyone may see. `signed` is absent for a file of the public part alone. */
export interface PublicKeyFile { readonly actor: Actor, readonly signed?: SignerMemory }

export interface NewKeyOptions { readonly role: Role, readonly passphrase: Uint8Array, readonly work?: KeyWork | undefined }

/** Makes a key and its file, readable by its owner alone; nothing is ever written over. */
export async function createSignerKey (path: string, { role, passphrase, work }: NewKeyOptions): Promise<Actor> {
  const seeds = generateSeeds({ isPq: true })
  const actor = toActor(toSigningKeys(seeds), role)
  const sealed = await sealSeeds(actor, seeds, passphrase, work)
  try {
    writeNewFile(path, textOf({ schema: 'svc-dht/governance/signer-key/1', actor, sealed, signed: [], mac: macOf([], actor.id, seeds.ed25519) }))
  } catch (cause) {
    throw unusable(path, cause)
  }
  return actor
}

/**
 * Seals the same keys under another passphrase; what they have signed stays remembered. A copy of the file from before opens as before.
 * @throws {DhtError} NoCapability for a wrong passphrase or an altered file, BadRequest for a file that is no key, or for the passphrase that it has
 */
export async function changePassphrase (path: string, { passphrase, next, work }: { readonly passphrase: PassphraseSource, readonly next: PassphraseSource, readonly work?: KeyWork | undefined }): Promise<Actor> {
  readKeyFile(path) // refused before anyone types a passphrase
  const old = await passphrase()
  const seeds = await openSeeds(path, old)
  const chosen = await next()
  if (Buffer.from(old).equals(chosen)) throw new DhtError('BadRequest', 'The new passphrase is the one that it has.')
  const { actor } = readKeyFile(path)
  const sealed = await sealSeeds(actor, seeds, chosen, work)
  withLock(path, () => {
    const file = readKeyFile(path)
    assertUnaltered(path, file, actor, seeds)
    replaceFile(path, textOf({ ...file, sealed }))
  })
  return actor
}

/** The first line of a file that only its owner can read. @throws {DhtError} BadRequest */
export function readPassphraseFile (path: string): Uint8Array {
  try {
    return readPassphrase(path)
  } catch (cause) {
    throw new DhtError('BadRequest', `The passphrase cannot be read: ${(cause as Error).message}.`, { cause })
  }
}

/** The file to hand to those who draft a genesis or a charter. */
export function publicFileOf (actor: Actor): string {
  return `${JSON.stringify({ schema: 'svc-dht/governance/public-key/1', actor }, null, 2)}\n`
}

/** The public part of a key file, or a file of the public part alone. No passphrase is needed. @throws {DhtError} BadRequest */
export function readPublicKey (path: string): PublicKeyFile {
  const { value } = readJson(path)
  if (!isObject(value) || value['schema'] !== 'svc-dht/governance/public-key/1') {
    const { actor, signed } = parse(fileForm, value, path)
    return { actor, signed }
  }
  return { actor: parse(publicForm, value, path).actor }
}

/**
 * The envelope with this key's signatures. What it signs is in its file, on disk, before a signature leaves.
 * @throws {DhtError} Conflict for a second change on one base, NoCapability for a wrong passphrase or an altered file, BadRequest for what is not this key's to sign
 */
export async function signWith (toSign: ToSign, keyFile: string, passphrase: PassphraseSource, now: number): Promise<Envelope> {
  const { actor, signed } = readKeyFile(keyFile)
  const entry = toSigned(toSign, actor, now)
  remember(signed, entry) // refused before anyone types a passphrase
  const seeds = await openSeeds(keyFile, await passphrase())
  withLock(keyFile, () => {
    const file = readKeyFile(keyFile)
    assertUnaltered(keyFile, file, actor, seeds)
    const memory = remember(file.signed, entry)
    replaceFile(keyFile, textOf({ ...file, signed: memory, mac: macOf(memory, actor.id, seeds.ed25519) }))
  })
  return addSignatures(toSign.envelope, toSigningKeys(seeds))
}

function readKeyFile (path: string): KeyFile {
  const { value, isReadableByOthers } = readJson(path)
  if (isObject(value) && value['schema'] === 'svc-dht/governance/public-key/1') {
    throw new DhtError('BadRequest', `${path} holds a public key, which cannot sign.`, { hint: 'Name the file that `ronctl key new` wrote.' })
  }
  if (isReadableByOthers) throw new DhtError('BadRequest', `Others can read ${path}.`, { hint: 'Have the actor rotated if they may have, or run: chmod 600 on the file.' })
  return parse(fileForm, value, path)
}

async function openSeeds (path: string, passphrase: Uint8Array): Promise<Seeds> {
  const { actor, sealed } = readKeyFile(path)
  let secret: Uint8Array
  try {
    secret = await open(purposeOf(actor), JSON.stringify(sealed), passphrase)
  } catch (cause) {
    throw new DhtError('NoCapability', `${path}: ${(cause as Error).message}.`, { cause })
  }
  const seeds = { ed25519: secret.subarray(0, SEED_BYTES), mlDsa87: secret.subarray(SEED_BYTES) }
  if (secret.byteLength !== 2 * SEED_BYTES || toSigningKeys(seeds).id !== actor.id) throw new DhtError('NoCapability', `${path} holds the keys of another actor.`)
  return seeds
}

async function sealSeeds (actor: Actor, { ed25519, mlDsa87 }: Seeds, passphrase: Uint8Array, work: KeyWork | undefined): Promise<object> {
  return JSON.parse(await seal(purposeOf(actor), Buffer.concat([ed25519, mlDsa87 ?? Buffer.alloc(0)]), passphrase, work)) as object
}

function assertUnaltered (path: string, { actor, signed, mac }: KeyFile, { id }: Actor, { ed25519 }: Seeds): void {
  if (actor.id === id && isMacOf(mac, signed, id, ed25519)) return
  throw new DhtError('NoCapability', `What ${path} says that it has signed was altered.`, { hint: 'Take it as compromised: have the actor rotated.' })
}

/** The role too: a key that calls itself another role's does not open. */
function purposeOf ({ id, role }: Actor): string {
  return `governance-signer ${role} ${id}`
}

/** Two commands at once must not each find that nothing was signed yet. */
function withLock (path: string, work: () => void): void {
  const lock = `${path}.lock`
  try {
    closeSync(openSync(lock, 'wx', 0o600))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(path, cause)
    throw new DhtError('Backpressure', 'This key signs something else right now.', { hint: `If no ronctl runs any more, remove ${lock}`, cause })
  }
  try {
    work()
  } finally {
    unlinkSync(lock)
  }
}

function readJson (path: string): { readonly value: unknown, readonly isReadableByOthers: boolean } {
  let text: string
  let isReadableByOthers: boolean
  try {
    const file = openSync(path, 'r')
    try {
      const { mode, size } = fstatSync(file)
      isReadableByOthers = (mode & READABLE_BY_OTHERS) !== 0
      if (size > MAX_FILE_BYTES) throw new DhtError('BadRequest', `${path} is too long for a key.`)
      text = readFileSync(file, 'utf8')
    } finally {
      closeSync(file)
    }
  } catch (cause) {
    if (cause instanceof DhtError) throw cause
    throw unusable(path, cause)
  }
  try {
    return { value: JSON.parse(text), isReadableByOthers }
  } catch (cause) {
    throw new DhtError('BadRequest', `${path} is not a key file.`, { cause })
  }
}

function parse<T> (form: Form<T>, value: unknown, path: string): T {
  try {
    return form(value, 'key')
  } catch (cause) {
    throw new DhtError('BadRequest', `${path} is not a key file: ${(cause as Error).message}.`, { cause })
  }
}

function unusable (path: string, cause: unknown): DhtError {
  return new DhtError('BadRequest', `The key file cannot be used: ${path} (${(cause as NodeJS.ErrnoException).code ?? (cause as Error).message}).`, { cause })
}

function isObject (value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function textOf (file: KeyFile): string {
  return `${JSON.stringify(file, null, 2)}\n`
}
