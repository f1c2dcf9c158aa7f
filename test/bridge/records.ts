import { randomBytes } from 'node:crypto'
import type { NodeRecord } from '../../src/discv5/engine.ts'
import { signRecord } from '../../src/discv5/enr/record.ts'
import { loadSecp256k1 } from '../../src/discv5/secp256k1.ts'

const secp256k1 = loadSecp256k1()

/** A signed record with these pairs, of a new node unless its key is given. */
export function recordOf (pairs: Readonly<Record<string, readonly number[] | Uint8Array>>, { key = randomBytes(32), seq = 1n }: { readonly key?: Uint8Array, readonly seq?: bigint } = {}): NodeRecord {
  const bytes = Object.fromEntries(Object.entries(pairs).map(([name, value]) => [name, Uint8Array.from(value)]))
  return signRecord(seq, bytes, key, secp256k1)
}

export const PUBLIC_IP = [203, 0, 113, 7]
