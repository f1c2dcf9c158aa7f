import type { ProviderStore } from '../../../../src/kad/provider/store/store.ts'
import { addrsOf, bytesOf, HOUR_MS, keyOf, peerOf, TestClock } from '../../fixtures.ts'
import { numbered } from './persistent-stores.ts'

// What the writer that is killed does, and what its watcher expects: both know the changes of every round.

const NOW = new TestClock().now()
/** Its time says how many rounds are in the store. */
const ROUND_KEY = keyOf('round')
const ADDED = 200
const KEPT_ROUNDS = 10

/** New records, refreshes with other addresses, withdrawals: a batch's worth. */
export function playRound (store: Pick<ProviderStore, 'upsert' | 'remove'>, round: number): void {
  for (let number = round * ADDED; number < (round + 1) * ADDED; number++) store.upsert(numbered(number, NOW))
  for (let number = (round - 1) * ADDED; number < round * ADDED; number += 3) {
    if (number >= 0) store.upsert(numbered(number, NOW, { receivedAt: NOW + round, expiresAt: NOW + HOUR_MS + round, addrs: addrsOf(`/ip4/192.0.2.${number % 10}/tcp/${round + 1}`) }))
  }
  for (let number = (round - KEPT_ROUNDS) * ADDED; number < (round - KEPT_ROUNDS + 1) * ADDED; number++) {
    if (number >= 0) store.remove(keyOf(number), bytesOf(peerOf(number % 10)))
  }
  store.upsert(numbered(0, NOW, { key: ROUND_KEY, receivedAt: NOW + round, expiresAt: NOW + HOUR_MS + round, addrs: addrsOf(`/ip4/192.0.2.0/tcp/${round + 1}`) }))
}

/** The round that a store has seen last, -1 for none. */
export function lastRound (store: Pick<ProviderStore, 'get'>): number {
  const [record] = store.get(ROUND_KEY, NOW)
  return record === undefined ? -1 : record.receivedAt - NOW
}
