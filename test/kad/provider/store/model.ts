import { deepEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import type { Announcement } from '../../../../src/kad/provider/record.ts'
import type { ProviderStore } from '../../../../src/kad/provider/store/store.ts'
import { addrsOf, bytesOf, keyOf, peerOf, SECOND_MS } from '../../fixtures.ts'

const START = Date.UTC(2026, 0, 1)
const KEYS = [0, 1, 2, 3].map(keyOf)
const PEERS = [0, 1, 2].map(name => bytesOf(peerOf(name)))
const PREFIXES = ['192.0.2.0/24', '203.0.113.0/24', undefined]

type Step =
  | { readonly kind: 'announce', readonly key: number, readonly peer: number, readonly prefix: number, readonly ttlMs: number }
  | { readonly kind: 'withdraw', readonly key: number, readonly peer: number }
  | { readonly kind: 'wait', readonly ms: number }
  | { readonly kind: 'expire', readonly limit: number }

const indexOf = (list: readonly unknown[]): fc.Arbitrary<number> => fc.nat({ max: list.length - 1 })
const [key, peer, prefix] = [indexOf(KEYS), indexOf(PEERS), indexOf(PREFIXES)]
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('announce'), key, peer, prefix, ttlMs: fc.integer({ min: 1, max: 20 * SECOND_MS }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('withdraw'), key, peer }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.integer({ min: 1, max: 8 * SECOND_MS }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('expire'), limit: fc.integer({ min: 1, max: 6 }) }) },
)

/** Holds a backend against a plain list in random histories. */
export async function assertFollowsModel (create: () => Promise<ProviderStore>): Promise<void> {
  await fc.assert(fc.asyncProperty(fc.array(anyStep, { maxLength: 60 }), async steps => {
    const model = new Model(await create())
    for (const step of steps) {
      model.take(step)
      model.check()
    }
    model.checkEnd()
  }), { numRuns: 200 })
}

/** The records as a list. It cannot know which expired ones `expire` removed, so it keeps them and counts what is held. */
class Model {
  readonly #store: ProviderStore
  #records: Announcement[] = []
  #held = 0
  #now = START

  constructor (store: ProviderStore) {
    this.#store = store
  }

  take (step: Step): void {
    if (step.kind === 'announce') this.#announce(step)
    else if (step.kind === 'withdraw') this.#withdraw(step)
    else if (step.kind === 'wait') this.#now += step.ms
    else this.#expire(step.limit)
  }

  check (): void {
    for (const key of KEYS) {
      const expected = this.#live.filter(record => record.key === key).map(describe).sort()
      deepEqual(this.#store.get(key, this.#now).map(describe).sort(), expected)
      for (const provider of PEERS) equal(this.#store.has(key, provider, this.#now), this.#live.some(record => record.key === key && record.provider === provider))
    }
    equal(this.#store.size, this.#held)
    equal(sum(KEYS.map(key => this.#store.ofKey(key))), this.#held)
    equal(sum(PEERS.map(provider => this.#store.ofPeer(provider))), this.#held)
    for (const prefix of PREFIXES) {
      if (prefix === undefined) continue
      const [least, most] = [this.#live, this.#records].map(records => records.filter(record => record.prefix === prefix).length)
      const counted = this.#store.ofPrefix(prefix)
      ok(least !== undefined && most !== undefined && counted >= least && counted <= most)
    }
  }

  /** Everything ends, and leaves nothing. */
  checkEnd (): void {
    this.#now += 60 * SECOND_MS
    equal(this.#store.expire(this.#now, Infinity), this.#held)
    deepEqual([this.#store.size, this.#store.keys, this.#store.expiryLagMs(this.#now)], [0, 0, 0])
    deepEqual(PREFIXES.map(prefix => this.#store.ofPrefix(prefix ?? '')), [0, 0, 0])
    deepEqual(PEERS.map(provider => this.#store.addressesOf(provider)), [undefined, undefined, undefined])
  }

  get #live (): Announcement[] {
    return this.#records.filter(({ expiresAt }) => this.#now < expiresAt)
  }

  #announce (step: Extract<Step, { kind: 'announce' }>): void {
    const announcement: Announcement = {
      key: KEYS[step.key] as Uint8Array,
      provider: PEERS[step.peer] as Uint8Array,
      prefix: PREFIXES[step.prefix],
      addrs: addrsOf(`/ip4/192.0.2.1/tcp/${step.ttlMs}`),
      receivedAt: this.#now,
      expiresAt: this.#now + step.ttlMs,
      source: 'rpc',
    }
    const held = this.#take(announcement.key, announcement.provider)
    const result = this.#store.upsert(announcement)
    if (held === undefined || held.expiresAt > this.#now) equal(result, held === undefined ? 'created' : 'refreshed')
    if (result === 'created') this.#held++
    this.#records.push({ ...announcement, expiresAt: Math.max(announcement.expiresAt, held?.expiresAt ?? 0) })
    for (const [index, record] of this.#records.entries()) {
      if (record.provider === announcement.provider) this.#records[index] = { ...record, addrs: announcement.addrs }
    }
  }

  #withdraw (step: Extract<Step, { kind: 'withdraw' }>): void {
    const [key, provider] = [KEYS[step.key] as Uint8Array, PEERS[step.peer] as Uint8Array]
    const held = this.#take(key, provider)
    const isRemoved = this.#store.remove(key, provider)
    if (held === undefined || held.expiresAt > this.#now) equal(isRemoved, held !== undefined)
    if (isRemoved) this.#held--
  }

  #expire (limit: number): void {
    const expired = this.#held - this.#live.length
    const overdue = expired - this.#records.filter(({ expiresAt }) => expiresAt <= this.#now && expiresAt > this.#now - SECOND_MS).length
    const removed = this.#store.expire(this.#now, limit)
    ok(removed <= Math.min(limit, expired) && removed >= Math.min(limit, Math.max(0, overdue)))
    this.#held -= removed
    if (this.#held === this.#live.length) this.#records = this.#live
  }

  #take (key: Uint8Array, provider: Uint8Array): Announcement | undefined {
    const held = this.#records.find(record => record.key === key && record.provider === provider)
    this.#records = this.#records.filter(record => record !== held)
    return held
  }
}

function describe ({ provider, addrs, receivedAt, expiresAt, source, prefix }: Omit<Announcement, 'key'>): string {
  return JSON.stringify([Buffer.from(provider).toString('hex'), addrs.map(addr => Buffer.from(addr).toString('hex')), receivedAt, expiresAt, source, prefix])
}

function sum (numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
