import { setTimeout as sleep } from 'node:timers/promises'
import { startAll } from '../../src/compose.ts'
import { keyOf } from '../rpc/fill.ts'
import { composeDaemon, isReady, joinAddress, type Daemon } from './daemon.ts'

// Many daemons of ours in one process. Told whom to join, it says when they are ready; told to provide keys, when they are announced.

export type Order =
  | { readonly kind: 'join', readonly bootstrap: readonly string[] }
  | { readonly kind: 'provide', readonly keys: readonly number[] }

/** Daemons that join, or announcements under way, at the same time: the links are slow, and the machine is small. */
const CONCURRENT = 12

const [first = 0, count = 0, minMs = 0, maxMs = 0] = process.argv.slice(2).map(Number)
const daemons: Daemon[] = []
for (let index = first; index < first + count; index++) {
  const daemon = await composeDaemon(index, { minMs, maxMs })
  await startAll(daemon.components)
  daemons.push(daemon)
}

process.once('disconnect', () => process.exit()) // whoever measures is gone
process.on('message', (order: Order) => { void obey(order).then(() => process.send?.({ done: order.kind })) })
process.send?.(daemons.map(joinAddress))

async function obey (order: Order): Promise<void> {
  if (order.kind === 'join') await join(order.bootstrap)
  else await Promise.all(Array.from({ length: CONCURRENT }, async (_, worker) => await provide(order.keys.filter((_key, index) => index % CONCURRENT === worker))))
}

/** A few at a time, as a network grows: each finds those that came before it. */
async function join (bootstrap: readonly string[]): Promise<void> {
  for (let index = 0; index < daemons.length; index += CONCURRENT) {
    const joining = daemons.slice(index, index + CONCURRENT)
    for (const daemon of joining) daemon.bootstrap.replace(bootstrap.filter(address => address !== joinAddress(daemon)))
    while (!joining.every(isReady)) await sleep(50)
  }
}

async function provide (keys: readonly number[]): Promise<void> {
  for (const key of keys) {
    // One that does not get through in time leaves a key that nobody finds, and those the bench counts.
    await daemons[key % daemons.length]?.announcer.announce(keyOf(key), { signal: AbortSignal.timeout(30_000) }).catch(() => {})
  }
}
