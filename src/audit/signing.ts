import { signCheckpoint, type NoteSigner } from './format/checkpoint.ts'
import { formatVerifierKey, type VerifierKey } from './format/note.ts'
import type { Tail } from './tail.ts'

/** The keys that sign for the log, and those that did, until a checkpoint by the new ones is on disk. */
export class Signing {
  readonly #origin: string
  #signers: readonly NoteSigner[]
  /** Sign beside the new ones once, so that whoever trusts them sees what the new ones sign. */
  #formerSigners: readonly NoteSigner[] = []
  /** Of the checkpoint on disk, while a rotation is under way. */
  #formerKeys: readonly VerifierKey[] = []
  #isOnDisk = false

  constructor (origin: string, signers: readonly NoteSigner[]) {
    this.#origin = origin
    this.#signers = signers
  }

  get signers (): readonly NoteSigner[] { return this.#signers }
  get keys (): readonly VerifierKey[] { return toKeys(this.#signers) }
  /** By which the checkpoint on disk may be known. */
  get markKeys (): readonly VerifierKey[] { return [...this.keys, ...this.#formerKeys] }
  /** Whether a checkpoint by these keys is on disk. */
  get isOnDisk (): boolean { return this.#isOnDisk }

  /** The log on disk was signed by `keys`. Returns whether they are others than ours. */
  continueFrom (keys: readonly VerifierKey[], size: number): boolean {
    const isRotated = size > 0 && keys.map(formatVerifierKey).join() !== this.keys.map(formatVerifierKey).join()
    this.#isOnDisk = !isRotated
    if (isRotated) this.#formerKeys = keys
    return isRotated
  }

  changeTo (next: readonly NoteSigner[]): void {
    this.#formerKeys = this.keys
    this.#formerSigners = this.#signers
    this.#signers = next
    this.#isOnDisk = false
  }

  async sign (tail: Tail, nowMs: number): Promise<Uint8Array> {
    return await signTail(this.#origin, tail, [...this.#signers, ...this.#formerSigners], nowMs)
  }

  /** The checkpoint that was signed is on disk. Returns whether the mark names keys that are not needed any more. */
  settle (): boolean {
    const hadFormer = this.#formerKeys.length > 0
    this.#formerSigners = []
    this.#formerKeys = []
    this.#isOnDisk = true
    return hadFormer
  }
}

/** A checkpoint of all entries so far. */
export async function signTail (origin: string, tail: Tail, signers: readonly NoteSigner[], nowMs: number): Promise<Uint8Array> {
  return Buffer.from(await signCheckpoint({ origin, size: tail.size, root: tail.root() }, signers, nowMs))
}

/** Those of the signers whose keys are named: they can vouch for the ones that follow. */
export function signersOf (keys: readonly VerifierKey[], signers: readonly NoteSigner[] = []): readonly NoteSigner[] {
  const named = new Set(keys.map(formatVerifierKey))
  return signers.filter(signer => named.has(formatVerifierKey(signer)))
}

function toKeys (signers: readonly NoteSigner[]): VerifierKey[] {
  return signers.map(({ name, type, publicKey }) => ({ name, type, publicKey }))
}
