import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DhtError } from '../../core/errors.ts'
import { findDirectoryFault } from '../../core/private-directory.ts'
import { Custody } from '../../kms/custody.ts'
import { removeFile, writeNewFile } from '../../kms/private-file.ts'
import { open, readPassphrase, seal } from '../../kms/sealed-file.ts'
import { SealedKeyStore } from '../../kms/sealed-key-store.ts'
import { isPermission, ROLES, type Role } from '../../policy/permissions.ts'
import { parseCaveat } from '../caveats.ts'
import { draftGrant, type GrantNames, type Minted, newNames } from './draft.ts'
import type { MintRequest } from './grant.ts'
import type { Grants } from './grants.ts'

// Decision 0027: a token is made while its daemon is stopped, by who holds the passphrase of its keys; what it may do waits in a
// sealed file, and is entered into the log by the daemon at its next start. Until then nobody accepts the token.

/** What is asked for, as the command line and the waiting file have it. */
export interface Asked {
  readonly memo: string
  readonly role?: string
  readonly permissions?: readonly string[]
  readonly caveats: readonly string[]
  readonly expires_at?: string
}

interface WaitingGrant {
  readonly schema: 'svc-dht/waiting-grant/1'
  readonly names: GrantNames
  readonly asked: Asked
}

interface Place {
  /** `node.dataDir` of the daemon. */
  readonly dataDir: string
  /** `identity.passphraseFile` of the daemon. */
  readonly passphraseFile: string
}

const FOLDER = 'waiting-grants'
const FILE = /^([0-9a-f]{16})\.grant$/
/** More than anybody mints between two starts; opening one takes a fifth of a second. */
const MAX_WAITING_GRANTS = 16
const MAX_FILE_BYTES = 64 * 1024

/**
 * Makes a token under the daemon's own root key, and leaves what it may do for the daemon's next start.
 * @param deliver takes the token before anything waits: one that fails leaves nothing
 * @throws {DhtError} BadRequest for what cannot be minted, Conflict when too many wait; {Error} with a sentence for the operator
 */
export async function mintOffline ({ dataDir, passphraseFile }: Place, asked: Asked, now: number, deliver: (token: string) => void): Promise<Minted> {
  if (!existsSync(join(dataDir, 'keys'))) throw new DhtError('BadRequest', `There are no keys in ${dataDir}.`, { hint: 'Name node.dataDir of a macronode that was started once.' })
  const passphrase = readPassphrase(passphraseFile)
  const roots = await Custody.open(await SealedKeyStore.open(join(dataDir, 'keys'), passphrase))
  const names = newNames(roots.current)
  const minted = draftGrant(requestOf(asked), 'offline', names, { roots, minter: undefined, now })
  const folder = openFolder(dataDir)
  if (waitingIn(folder).length >= MAX_WAITING_GRANTS) throw new DhtError('Conflict', `${MAX_WAITING_GRANTS} capabilities wait for the daemon already.`, { hint: 'Start it, and mint then.' })
  deliver(minted.token)
  const waiting: WaitingGrant = { schema: 'svc-dht/waiting-grant/1', names, asked }
  writeNewFile(join(folder, `${names.id}.grant`), await seal(purposeOf(names.id), Buffer.from(JSON.stringify(waiting)), passphrase))
  return minted
}

/**
 * Puts in force what was minted while the daemon was stopped, each with its entry in the log. A file is gone once its entry is
 * there. One that cannot be entered now, or was not sealed under our passphrase, is told, and stays.
 * @param wasMinted ids that the log has an entry of: a file that is put back does not bring back what was revoked
 * @throws {DhtError} DegradedAudit: then all of them wait on
 */
export async function admitWaiting (grants: Grants, { dataDir, passphraseFile }: Place, wasMinted: (id: string) => boolean, tell: (id: string, fault?: Error) => void): Promise<void> {
  const folder = join(dataDir, FOLDER)
  if (!existsSync(folder)) return
  openFolder(dataDir)
  const passphrase = readPassphrase(passphraseFile)
  for (const id of waitingIn(folder).slice(0, MAX_WAITING_GRANTS)) {
    const path = join(folder, `${id}.grant`)
    try {
      if (wasMinted(id)) tell(id, new Error('it was entered before, and is not entered again'))
      else {
        const { names, asked } = await readWaiting(path, id, passphrase)
        await grants.mint(requestOf(asked), 'offline', { names })
        tell(id)
      }
      removeFile(path)
    } catch (err) {
      if (err instanceof DhtError && err.code === 'DegradedAudit') throw err
      tell(id, err as Error) // the file stays: the operator may want to know what it was
    }
  }
}

/** @throws {DhtError} BadRequest for what a capability cannot be minted of */
function requestOf ({ memo, role, permissions, caveats, expires_at: expires }: Asked): MintRequest {
  const expiresAt = expires === undefined ? undefined : timeOf(expires)
  return {
    memo,
    allows: allowsOf(role, permissions),
    caveats: caveats.map(text => parseCaveat(text) ?? bad(`This is no caveat: ${text}`, 'A caveat is as "ip=10.0.0.0/8"; an unknown one would deny everything.')),
    expiresAt,
  }
}

function allowsOf (role: string | undefined, permissions: readonly string[] | undefined): MintRequest['allows'] {
  if ((role === undefined) === (permissions === undefined)) return bad('A capability has either a role or permissions.', 'Give one of them.')
  if (role !== undefined) return Object.hasOwn(ROLES, role) ? role as Role : bad('There is no such role.', `The roles are ${Object.keys(ROLES).join(', ')}.`)
  return (permissions ?? []).map(name => isPermission(name) ? name : bad(`There is no permission ${name}.`, 'ronctl cap permissions lists them.'))
}

function timeOf (text: string): number {
  const time = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? bad('The expiry is not a time in UTC.', 'Give one as 2030-01-01T00:00Z.') : time
}

async function readWaiting (path: string, id: string, passphrase: Uint8Array): Promise<WaitingGrant> {
  if (statSync(path).size > MAX_FILE_BYTES) throw new Error('it is too large')
  const waiting = JSON.parse(Buffer.from(await open(purposeOf(id), readFileSync(path, 'utf8'), passphrase)).toString('utf8')) as WaitingGrant // sealed: nobody else wrote it
  if (waiting.schema !== 'svc-dht/waiting-grant/1' || waiting.names.id !== id) throw new Error('its schema is not known to this version')
  return waiting
}

/** The file of one grant cannot stand for another. */
function purposeOf (id: string): string {
  return `waiting-grant/${id}`
}

function waitingIn (folder: string): string[] {
  return readdirSync(folder).flatMap(name => FILE.exec(name)?.[1] ?? []).sort()
}

function openFolder (dataDir: string): string {
  const folder = join(dataDir, FOLDER)
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 })
  const fault = findDirectoryFault(lstatSync(folder), process.getuid?.())
  if (fault !== undefined) throw new Error(`${folder} ${fault}`)
  return folder
}

function bad (message: string, hint: string): never {
  throw new DhtError('BadRequest', message, { hint })
}
