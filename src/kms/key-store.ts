import type { Clock } from '../core/component.ts'

/** What a key is for. A key of one purpose is never used for another. */
export type Purpose = 'macaroon-root' | 'audit-log'

export const PURPOSES: readonly Purpose[] = ['macaroon-root', 'audit-log']

/** Where custody keeps its secrets: one for each purpose and version. */
export interface KeyStore {
  /** In ascending order. @throws {Error} with a sentence for the operator */
  versions (purpose: Purpose): number[]
  /** @throws {Error} with a sentence for the operator, each fault its own */
  load (purpose: Purpose, version: number): Promise<Uint8Array>
  /** Resolves when the secret outlasts a crash. A version that is there is never written over. */
  save (purpose: Purpose, version: number, secret: Uint8Array): Promise<void>
  remove (purpose: Purpose, version: number): void
  /** When the version was saved first. Milliseconds since 1970-01-01 UTC. @throws {Error} when it is not there */
  madeAt (purpose: Purpose, version: number): number
}

/** Secrets that are gone with the process. */
export class EphemeralKeyStore implements KeyStore {
  readonly #secrets = new Map<string, { readonly secret: Uint8Array, readonly madeAt: number }>()
  readonly #now: Clock

  constructor (now: Clock = Date.now) {
    this.#now = now
  }

  versions (purpose: Purpose): number[] {
    return [...this.#secrets.keys()].filter(name => name.startsWith(`${purpose}.`)).map(name => Number(name.slice(purpose.length + 1))).sort((a, b) => a - b)
  }

  async load (purpose: Purpose, version: number): Promise<Uint8Array> {
    return this.#get(purpose, version).secret
  }

  async save (purpose: Purpose, version: number, secret: Uint8Array): Promise<void> {
    if (this.#secrets.has(`${purpose}.${version}`)) throw new Error(`${purpose} has a version ${version} already`)
    this.#secrets.set(`${purpose}.${version}`, { secret, madeAt: this.#now() })
  }

  remove (purpose: Purpose, version: number): void {
    this.#secrets.delete(`${purpose}.${version}`)
  }

  madeAt (purpose: Purpose, version: number): number {
    return this.#get(purpose, version).madeAt
  }

  #get (purpose: Purpose, version: number): { readonly secret: Uint8Array, readonly madeAt: number } {
    const held = this.#secrets.get(`${purpose}.${version}`)
    if (held === undefined) throw new Error(`${purpose} has no version ${version}`)
    return held
  }
}
