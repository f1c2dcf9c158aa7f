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
}

/** Secrets that are gone with the process. */
export class EphemeralKeyStore implements KeyStore {
  readonly #secrets = new Map<string, Uint8Array>()

  versions (purpose: Purpose): number[] {
    return [...this.#secrets.keys()].filter(name => name.startsWith(`${purpose}.`)).map(name => Number(name.slice(purpose.length + 1))).sort((a, b) => a - b)
  }

  async load (purpose: Purpose, version: number): Promise<Uint8Array> {
    const secret = this.#secrets.get(`${purpose}.${version}`)
    if (secret === undefined) throw new Error(`${purpose} has no version ${version}`)
    return secret
  }

  async save (purpose: Purpose, version: number, secret: Uint8Array): Promise<void> {
    if (this.#secrets.has(`${purpose}.${version}`)) throw new Error(`${purpose} has a version ${version} already`)
    this.#secrets.set(`${purpose}.${version}`, secret)
  }

  remove (purpose: Purpose, version: number): void {
    this.#secrets.delete(`${purpose}.${version}`)
  }
}
