import { forkDigest, isForkAccepted, type Fork } from './fork.ts'

/** What the value under a key of a record must be. */
export type Predicate =
  | { readonly kind: 'present', readonly key: string }
  | { readonly kind: 'equal', readonly key: string, readonly value: Uint8Array }
  /** The first `bits` bits are those of `value`. */
  | { readonly kind: 'prefix', readonly key: string, readonly value: Uint8Array, readonly bits: number }
  | { readonly kind: 'fork', readonly key: 'eth' | 'eth2', readonly forks: readonly Fork[] }

const KEY = '[A-Za-z0-9_.-]{1,32}'
const FORMS = {
  present: new RegExp(`^(${KEY})$`),
  equal: new RegExp(`^(${KEY})=(0x(?:[0-9a-f]{2})*|[\\x21-\\x7e]+)$`),
  prefix: new RegExp(`^(${KEY})\\^=(0x(?:[0-9a-f]{2})+)/(\\d{1,4})$`),
  fork: /^(eth2?)~=(.+)$/,
} as const

/**
 * One predicate as the configuration has it: `key` is there · `key=0x01ff` or `key=text` is equal · `key^=0xff00/9` has these first bits ·
 * `eth~=6a95a1a9|b5303f2a@2026-12-01T00:00:00Z` or `eth2~=…` is on one of these forks, the second until that time.
 * @throws {Error} saying what is wrong
 */
export function parsePredicate (text: string): Predicate {
  const fork = FORMS.fork.exec(text)
  if (fork !== null) return { kind: 'fork', key: fork[1] as 'eth' | 'eth2', forks: (fork[2] as string).split('|').map(parseFork) }
  const prefix = FORMS.prefix.exec(text)
  if (prefix !== null) {
    const value = toBytes(prefix[2] as string)
    const bits = Number(prefix[3])
    if (bits < 1 || bits > value.length * 8) throw new Error(`${text}: the bits must be from 1 to those of the value`)
    return { kind: 'prefix', key: prefix[1] as string, value, bits }
  }
  const equal = FORMS.equal.exec(text)
  if (equal !== null) return { kind: 'equal', key: equal[1] as string, value: toBytes(equal[2] as string) }
  const present = FORMS.present.exec(text)
  if (present !== null) return { kind: 'present', key: present[1] as string }
  throw new Error(`${text} is not a predicate: give key, key=0x…, key=text, key^=0x…/bits, eth~=digest|digest@time or eth2~=…`)
}

/** True when the record's value is as asked. A value of the wrong length or form is not. */
export function holds (predicate: Predicate, pairs: ReadonlyMap<string, Uint8Array>, now: number): boolean {
  const value = pairs.get(predicate.key)
  if (value === undefined) return false
  switch (predicate.kind) {
    case 'present': return true
    case 'equal': return Buffer.compare(value, predicate.value) === 0
    case 'prefix': return hasPrefix(value, predicate.value, predicate.bits)
    case 'fork': return isForkAccepted(predicate.forks, forkDigest(predicate.key, value), now)
  }
}

function parseFork (text: string): Fork {
  const [, digest = '', time] = /^([0-9a-f]{8})(?:@(.+))?$/.exec(text) ?? []
  const until = time === undefined ? undefined : Date.parse(time)
  if (digest === '') throw new Error(`${text} is not a fork digest: give eight hex characters, and @ and a time when it ends`)
  if (until === undefined) return { digest }
  if (Number.isNaN(until)) throw new Error(`${time} is not a time: give it as 2026-12-01T00:00:00Z`)
  return { digest, until }
}

function toBytes (text: string): Uint8Array {
  return text.startsWith('0x') ? Buffer.from(text.slice(2), 'hex') : Buffer.from(text)
}

function hasPrefix (value: Uint8Array, prefix: Uint8Array, bits: number): boolean {
  const whole = bits >> 3
  const rest = bits & 7
  if (value.length < whole + (rest > 0 ? 1 : 0)) return false
  if (Buffer.compare(value.subarray(0, whole), prefix.subarray(0, whole)) !== 0) return false
  const mask = 0xff << (8 - rest) & 0xff
  return rest === 0 || ((value[whole] ?? 0) & mask) === ((prefix[whole] ?? 0) & mask)
}
