import { createSecretKey, randomBytes, timingSafeEqual, type KeyObject } from 'node:crypto'
import { PURPOSES, type KeyStore, type Purpose } from './key-store.ts'
import { firstSignatureUnder, type MacaroonRoots, ROOT_SECRET_BYTES } from './macaroon-roots.ts'
import { deriveNoteKeysFrom, type NoteKey } from './note-keys.ts'

export interface CustodyEvents {
  /** The newest version of a key, at the opening and after each rotation, and when it was made. Milliseconds since 1970-01-01 UTC. */
  onNewest? (purpose: Purpose, madeAt: number): void
}

/** How many versions of one key may be held; rotation is refused then, until older ones are retired. */
const MAX_VERSIONS = 16

/**
 * The daemon's keys, and what may be done with them. Nothing here returns a key: each purpose has its own operations, and a key
 * of one is of no use to another. Within this process that is a convention; see governance/decisions/0012.
 */
export class Custody implements MacaroonRoots {
  readonly #store: KeyStore
  readonly #events: CustodyEvents
  /** By purpose, then by version. Bounded by MAX_VERSIONS. */
  readonly #keys = new Map<Purpose, Map<number, KeyObject>>()

  private constructor (store: KeyStore, events: CustodyEvents) {
    this.#store = store
    this.#events = events
  }

  /** Opens every key there is, and makes the first of each purpose. @throws {Error} with a sentence for the operator */
  static async open (store: KeyStore, events: CustodyEvents = {}): Promise<Custody> {
    const custody = new Custody(store, events)
    for (const purpose of PURPOSES) {
      const held = new Map<number, KeyObject>()
      custody.#keys.set(purpose, held)
      for (const version of store.versions(purpose)) held.set(version, await custody.#load(purpose, version))
      if (held.size === 0) await custody.rotate(purpose)
      else custody.#tellNewest(purpose)
    }
    return custody
  }

  get current (): number { return this.#newest('macaroon-root') }

  firstSignature (version: number, rootKeyId: string, identifier: Uint8Array): Uint8Array {
    return firstSignatureUnder(this.#key('macaroon-root', version), rootKeyId, identifier)
  }

  /** The Ed25519 and ML-DSA-44 keys that sign the audit log's checkpoints under this name; of the newest version unless told. */
  noteKeys (name: string, version = this.#newest('audit-log')): NoteKey[] {
    return deriveNoteKeysFrom(name, this.#key('audit-log', version).export())
  }

  versions (purpose: Purpose): number[] {
    return [...this.#keysOf(purpose).keys()]
  }

  /**
   * Makes a new version, which becomes the newest once the store gave back what was put into it. Older ones stay until they are
   * retired. @throws {Error} with a sentence for the operator; then nothing has changed
   */
  async rotate (purpose: Purpose): Promise<number> {
    const held = this.#keysOf(purpose)
    if (held.size >= MAX_VERSIONS) throw new Error(`${purpose} has ${MAX_VERSIONS} versions: retire the older ones first`)
    const version = Math.max(0, ...held.keys()) + 1
    const secret = randomBytes(ROOT_SECRET_BYTES)
    await this.#store.save(purpose, version, secret)
    try {
      const key = await this.#load(purpose, version)
      if (!timingSafeEqual(key.export(), secret)) throw new Error(`${purpose} version ${version} is not as it was stored`)
      held.set(version, key)
      this.#tellNewest(purpose)
      return version
    } catch (err) {
      this.#store.remove(purpose, version)
      throw err
    }
  }

  /** Destroys every version but the newest, for good. Call it only after the newest has been seen to work. */
  retire (purpose: Purpose): number[] {
    const held = this.#keysOf(purpose)
    const newest = this.#newest(purpose)
    const old = [...held.keys()].filter(version => version !== newest).sort((a, b) => a - b)
    for (const version of old) { // the oldest first, so that a crash leaves no gap
      this.#store.remove(purpose, version)
      held.delete(version)
    }
    return old
  }

  async #load (purpose: Purpose, version: number): Promise<KeyObject> {
    const secret = await this.#store.load(purpose, version)
    if (secret.byteLength !== ROOT_SECRET_BYTES) throw new Error(`${purpose} version ${version} does not hold a key`)
    return createSecretKey(secret)
  }

  #tellNewest (purpose: Purpose): void {
    this.#events.onNewest?.(purpose, this.#store.madeAt(purpose, this.#newest(purpose)))
  }

  #newest (purpose: Purpose): number {
    return Math.max(...this.#keysOf(purpose).keys())
  }

  #key (purpose: Purpose, version: number): KeyObject {
    const key = this.#keysOf(purpose).get(version)
    if (key === undefined) throw new Error(`${purpose} has no version ${version}`)
    return key
  }

  #keysOf (purpose: Purpose): Map<number, KeyObject> {
    const held = this.#keys.get(purpose)
    if (held === undefined) throw new Error(`custody holds nothing for ${purpose}`)
    return held
  }
}
