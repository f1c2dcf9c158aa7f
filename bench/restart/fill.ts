import { setImmediate as nextTurn } from 'node:timers/promises'
import { DhtError } from '../../src/core/errors.ts'
import { addressesOf, keyOf, peerOf } from '../rpc/fill.ts'
import { createStore, until } from './store.ts'

// Announces records as fast as the store takes them, and ends when they are on disk.

export interface Filled { readonly durableAddsPerSecond: number, readonly durableRefreshesPerSecond: number, readonly longestStallMs: number }

const PROVIDERS_PER_KEY = 3
/** Announcements between two turns of the event loop, as a busy server takes them. */
const BURST = 50

const [file = '', count = '0', peers = '0'] = process.argv.slice(2)
const total = Number(count)
const { store, records } = createStore(file)
const providers = Array.from({ length: Number(peers) }, (_, index) => peerOf(index).toMultihash().bytes)
const addrs = providers.map((_, index) => addressesOf(index))
const keys = Array.from({ length: Math.ceil(total / PROVIDERS_PER_KEY) }, (_, index) => keyOf(index))
await store.start()
await until(() => store.reason() === undefined)

let longestStallMs = 0
async function announceAll (): Promise<number> {
  const startedAt = performance.now()
  for (let index = 0; index < total;) {
    const begun = performance.now()
    try {
      for (const end = Math.min(total, index + BURST); index < end; index++) announce(index)
    } catch (err) {
      if (!(err instanceof DhtError && err.code === 'StoreUnavailable')) throw err
    }
    await nextTurn()
    longestStallMs = Math.max(longestStallMs, performance.now() - begun)
  }
  await until(() => store.pending === 0)
  return total / ((performance.now() - startedAt) / 1000)
}

/** Keys in an order that has nothing to do with where they are on disk. */
function announce (index: number): void {
  const place = index * 7919 % total
  const peer = place % providers.length
  records.announce({
    key: keys[Math.floor(place / PROVIDERS_PER_KEY)] as Uint8Array, provider: providers[peer] as Uint8Array, addrs: addrs[peer] as Uint8Array[], prefix: '127.0.0.0/24',
  })
}

const durableAddsPerSecond = await announceAll()
const durableRefreshesPerSecond = await announceAll()
await store.stop()
process.send?.({ durableAddsPerSecond, durableRefreshesPerSecond, longestStallMs } satisfies Filled)
