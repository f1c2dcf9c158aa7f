import { createHash } from 'node:crypto'

// RFC 6962 §2.1 with SHA-256: hashes, and what of a tree proves that a leaf is in it or that it grew from a smaller one.

export type Hash = Uint8Array
export const HASH_BYTES = 32

/** The hash of the complete subtree of 2^level leaves that starts at leaf index × 2^level. */
export type SubtreeReader = (level: number, index: number) => Promise<Hash> | Hash

const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)

/** RFC 6962 §2.1: SHA-256 of 0x00 and the entry. */
export function leafHash (entry: Uint8Array): Hash {
  return createHash('sha256').update(LEAF).update(entry).digest()
}

/** RFC 6962 §2.1: SHA-256 of 0x01 and both sides. */
export function nodeHash (left: Hash, right: Hash): Hash {
  return createHash('sha256').update(NODE).update(left).update(right).digest()
}

/** The root of the tree without leaves. */
export function emptyRoot (): Hash {
  return createHash('sha256').digest()
}

/** A tree as its complete subtrees, largest first: what appending and the root need, and no more. Bounded by 53 hashes. */
export class CompactRange {
  readonly #subtrees: Array<{ readonly level: number, readonly hash: Hash }> = []
  #size = 0

  get size (): number { return this.#size }

  /** From the complete subtrees that a tree of their leaves has, largest first. */
  static of (subtrees: ReadonlyArray<{ readonly level: number, readonly hash: Hash }>): CompactRange {
    const range = new CompactRange()
    range.#subtrees.push(...subtrees)
    range.#size = subtrees.reduce((sum, { level }) => sum + 2 ** level, 0)
    return range
  }

  /** `onNode` sees each complete subtree that the leaf completes, itself included. */
  append (leaf: Hash, onNode: (level: number, index: number, hash: Hash) => void = () => {}): void {
    let level = 0
    let hash = leaf
    let index = this.#size
    onNode(level, index, hash)
    for (let last = this.#subtrees.at(-1); last?.level === level; last = this.#subtrees.at(-1)) {
      this.#subtrees.pop()
      hash = nodeHash(last.hash, hash)
      level++
      index = Math.floor(index / 2)
      onNode(level, index, hash)
    }
    this.#subtrees.push({ level, hash })
    this.#size++
  }

  root (): Hash {
    return this.#subtrees.reduceRight<Hash | undefined>((right, { hash }) => right === undefined ? hash : nodeHash(hash, right), undefined) ?? emptyRoot()
  }

  copy (): CompactRange {
    const range = new CompactRange()
    range.#subtrees.push(...this.#subtrees)
    range.#size = this.#size
    return range
  }
}

/** The hash of leaves `start` to `end`, where the range is one that the tree of RFC 6962 has. */
export async function rangeHash (start: number, end: number, read: SubtreeReader): Promise<Hash> {
  if (start === end) return emptyRoot()
  const width = end - start
  const level = Math.floor(Math.log2(width))
  if (2 ** level === width && start % width === 0) return await read(level, start / width)
  const split = start + splitOf(width)
  return nodeHash(await rangeHash(start, split, read), await rangeHash(split, end, read))
}

/** From the leaf's sibling up to the root's child. */
export async function inclusionProof (index: number, size: number, read: SubtreeReader): Promise<Hash[]> {
  if (!(index >= 0 && index < size)) throw new RangeError(`no leaf ${index} in a tree of ${size}`)
  const path: Array<readonly [number, number]> = []
  for (let [start, end] = [0, size]; end - start > 1;) {
    const split = start + splitOf(end - start)
    path.push(index < split ? [split, end] : [start, split])
    if (index < split) end = split
    else start = split
  }
  return await Promise.all(path.reverse().map(async ([start, end]) => await rangeHash(start, end, read)))
}

/** The root of a tree of `size` that has the leaf at `index`; undefined when the proof has not the length it must have. */
export function rootFromInclusion (leaf: Hash, index: number, size: number, proof: readonly Hash[]): Hash | undefined {
  if (!(index >= 0 && index < size)) return undefined
  const isLeft: boolean[] = []
  for (let [start, end] = [0, size]; end - start > 1;) {
    const split = start + splitOf(end - start)
    isLeft.push(index < split)
    if (index < split) end = split
    else start = split
  }
  if (proof.length !== isLeft.length) return undefined
  return isLeft.reverse().reduce((hash, left, step) => left ? nodeHash(hash, proof[step] ?? hash) : nodeHash(proof[step] ?? hash, hash), leaf)
}

/** RFC 6962 §2.1.2. @throws {RangeError} unless 0 ≤ `from` ≤ `size` */
export async function consistencyProof (from: number, size: number, read: SubtreeReader): Promise<Hash[]> {
  if (!(from >= 0 && from <= size)) throw new RangeError(`no tree of ${from} in a tree of ${size}`)
  if (from === 0 || from === size) return []
  const ranges: Array<readonly [number, number]> = []
  let [start, end, isWhole] = [0, size, true]
  while (from !== end) {
    const split = start + splitOf(end - start)
    if (from <= split) {
      ranges.push([split, end])
      end = split
    } else {
      ranges.push([start, split])
      start = split
      isWhole = false
    }
  }
  if (!isWhole) ranges.push([start, end])
  return await Promise.all(ranges.reverse().map(async ([from, to]) => await rangeHash(from, to, read)))
}

/** RFC 9162 §2.1.4.2, which is the check for RFC 6962's proof. */
export function isConsistent (from: number, fromRoot: Hash, size: number, root: Hash, proof: readonly Hash[]): boolean {
  if (from > size || from < 0) return false
  if (from === size) return proof.length === 0 && equal(fromRoot, root)
  if (from === 0) return proof.length === 0 && equal(fromRoot, emptyRoot())
  const path = Number.isInteger(Math.log2(from)) ? [fromRoot, ...proof] : [...proof]
  const [seed, ...rest] = path
  if (seed === undefined) return false
  let [node, last] = levelUp(from - 1, size - 1, at => at % 2 === 1)
  let [oldRoot, newRoot] = [seed, seed]
  for (const hash of rest) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      oldRoot = nodeHash(hash, oldRoot)
      newRoot = nodeHash(hash, newRoot)
      ;[node, last] = levelUp(node, last, at => at % 2 === 0 && at !== 0)
    } else {
      newRoot = nodeHash(newRoot, hash)
    }
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && equal(oldRoot, fromRoot) && equal(newRoot, root)
}

function levelUp (node: number, last: number, mayRise: (node: number) => boolean): [node: number, last: number] {
  return mayRise(node) ? levelUp(Math.floor(node / 2), Math.floor(last / 2), mayRise) : [node, last]
}

/** Not in constant time: for what is published anyway. */
export function equal (a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** The largest power of two below `width`. */
function splitOf (width: number): number {
  return 2 ** (Math.ceil(Math.log2(width)) - 1)
}
