import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { base58btc } from 'multiformats/bases/base58'
import t, { type Test } from 'tap'
import { startAll } from '../../src/compose.ts'
import { composeKad } from '../../src/compose/kad.ts'
import { loadConfig } from '../../src/config/load.ts'
import { emptyTrace, type Walk } from '../../src/core/peer.ts'
import { createEphemeralIdentity } from '../../src/kms/identity.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { until } from '../daemon.ts'
import { only } from '../patterns.ts'
import { keyOf, silentLog } from './fixtures.ts'

// A rejection that nobody hears would end the daemon. kad-dht rejects whatever it runs when a signal aborts, so every way to leave
// a walk is tried, at every moment that counts: before it began, while it waits for peers, between two of its answers.

type Plane = Awaited<ReturnType<typeof composeKad>>

async function startPlanes (t: Test, count: number): Promise<{ readonly planes: readonly Plane[], readonly stop: () => Promise<void> }> {
  const flags = { 'kad.listen': '/ip4/127.0.0.1/tcp/0', 'discv5.enabled': 'false', 'kad.addresses': 'any', 'kad.inboundConnectionsPerSecond': '1000', 'kad.bootstrapProbeInterval': '100ms' }
  const running: AsyncDisposable[] = []
  const planes: Plane[] = []
  for (let index = 0; index < count; index++) {
    const plane = await composeKad(loadConfig({ flags }), {
      identity: createEphemeralIdentity(), version: { version: 'test', gitSha: 'unknown' }, adminSocket: '', log: silentLog, metrics: createMetrics(), now: Date.now,
    }, { admit: () => {} })
    running.push(await startAll(plane.components))
    planes.push(plane)
  }
  const stop = async (): Promise<void> => { await Promise.all(running.splice(0).map(async plane => await plane[Symbol.asyncDispose]())) }
  t.teardown(stop)
  const address = (plane: Plane): string => String(plane.host.getMultiaddrs()[0])
  for (const plane of planes) plane.bootstrap.replace(planes.filter(other => other !== plane).map(address))
  await until(() => planes.every(({ checks }) => checks.every(check => check.reason() === undefined)), 'every plane is ready')
  return { planes, stop }
}

/** Rejections that nobody handled, from now on. */
function watchRejections (t: Test): unknown[] {
  const unhandled: unknown[] = []
  const listener = (reason: unknown): void => { unhandled.push((reason as Error).stack) }
  process.on('unhandledRejection', listener)
  t.teardown(() => process.off('unhandledRejection', listener))
  return unhandled
}

/** Node tells of rejections that are still unhandled when the microtasks have run; kad-dht's idle timers are done after a few ms. */
async function settle (): Promise<void> {
  await sleep(50)
}

const WALKS: Readonly<Record<string, (plane: Plane, walk: Walk) => AsyncIterable<unknown>>> = {
  providers: ({ overlay }, walk) => overlay.walkProviders(keyOf(randomBytes(4).readUInt32LE()), walk),
  closest: ({ overlay }, walk) => overlay.walkClosest(randomBytes(32), walk),
  peer: ({ overlay }, walk) => overlay.walkPeer(base58btc.baseEncode(Buffer.concat([Uint8Array.of(0x12, 0x20), randomBytes(32)])), walk),
  value: async function * ({ overlay }, walk) { yield await overlay.findValue(Buffer.concat([Buffer.from('/ipns/'), Uint8Array.of(0x12, 0x20), randomBytes(32)]), walk) },
  announce: async function * ({ announcer }, { signal }) { yield await announcer.announce(keyOf(randomBytes(4).readUInt32LE()), { signal }) },
}

type Leave = (walk: AsyncIterable<unknown>, abort: () => void, delayMs: number) => Promise<void>

const WAYS: Readonly<Record<string, Leave>> = {
  'aborted before its first item is asked for': async (walk, abort) => {
    abort()
    await Array.fromAsync(walk)
  },
  'aborted while it waits': async (walk, abort, delayMs) => {
    setTimeout(abort, delayMs)
    await Array.fromAsync(walk)
  },
  'left at its first item': async (walk, abort) => {
    const iterator = walk[Symbol.asyncIterator]()
    await iterator.next()
    await iterator.return?.()
    abort()
  },
  'aborted at an item, and left': async (walk, abort) => {
    const iterator = walk[Symbol.asyncIterator]()
    await iterator.next()
    abort()
    await iterator.return?.()
  },
  'left by return() while it waits, aborted later': async (walk, abort, delayMs) => {
    const iterator = walk[Symbol.asyncIterator]()
    const first = iterator.next()
    await sleep(delayMs)
    const left = iterator.return?.()
    abort()
    await Promise.allSettled([first, left])
  },
  'never read': async (walk, abort) => {
    walk[Symbol.asyncIterator]()
    abort()
  },
}

t.test('whichever way a walk is left, its rejection reaches its caller and nobody else', async t => {
  const { planes, stop } = await startPlanes(t, 4)
  const unhandled = watchRejections(t)
  const ends = new Map<string, number>()
  const leave = async (kind: string, way: Leave, delayMs: number, plane: Plane): Promise<void> => {
    const leaving = new AbortController()
    const walk = WALKS[kind]?.(plane, { signal: leaving.signal, trace: emptyTrace() }) ?? []
    const end = await way(walk as AsyncIterable<unknown>, () => leaving.abort(), delayMs).then(() => 'ended', (err: Error) => err.name)
    ends.set(end, (ends.get(end) ?? 0) + 1)
  }
  for (const kind of Object.keys(WALKS)) {
    for (const [name, way] of Object.entries(WAYS)) {
      await Promise.all(Array.from({ length: 8 }, async (_, turn) => await leave(kind, way, turn, planes[turn % planes.length] as Plane)))
      await settle()
      t.strictSame(unhandled, [], `${kind}: ${name}`)
    }
  }
  t.ok((ends.get('AbortError') ?? 0) > 20, 'walks were cut off on the way')
  t.strictSame([...ends.keys()].filter(end => end !== 'ended' && end !== 'AbortError'), [])

  const cutOff = planes.map(async plane => await Array.fromAsync(plane.overlay.walkClosest(randomBytes(32), { signal: new AbortController().signal, trace: emptyTrace() })).catch(() => []))
  await stop()
  await Promise.all(cutOff)
  await settle()
  t.strictSame(unhandled, [], 'nor when the daemon stops while they run, with its own table refresh and self-lookup')
})

t.test('peers that vanish in the middle of walks cause no rejection that nobody hears', async t => {
  const { planes } = await startPlanes(t, 4)
  const unhandled = watchRejections(t)
  for (let round = 0; round < 20; round++) {
    const walks = planes.flatMap(plane => Object.values(WALKS).map(async walk => {
      const deadline = AbortSignal.timeout(200)
      await Array.fromAsync(walk(plane, { signal: deadline, trace: emptyTrace() })).catch(() => [])
    }))
    const connections = planes.flatMap(({ host }) => host.getConnections())
    await sleep(round % 5)
    connections[round % connections.length]?.abort(new Error('gone'))
    await Promise.all(walks)
  }
  await settle()
  t.strictSame(unhandled, [])
})

t.test('a rejection that nobody hears would have been seen', async t => {
  const unhandled = watchRejections(t)
  const seen = once(process, 'unhandledRejection')
  void Promise.reject(new Error('lost'))
  await seen
  t.match(unhandled, only(/Error: lost/))
})
