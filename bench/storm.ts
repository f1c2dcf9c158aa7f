import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { alone, FULL, percentile, QUICK, type Effort, type Figure } from './measure.ts'
import { cidOf } from './rpc/fill.ts'
import { ServerProcess } from './server-process.ts'
import type { Offered } from './storm/offer.ts'
import { look, type Look } from './storm/probe.ts'

/** What a daemon does when more is asked of it than it can do: what is served, what is refused and why, and how soon it is itself again. */

interface Ready { readonly address: string, readonly publicUrl: string, readonly opsUrl: string, readonly adminSocket: string, readonly ownerToken: string }
type SurfaceName = 'rpc' | 'http'

const SURFACES: Readonly<Record<SurfaceName, string>> = { rpc: 'GET_PROVIDERS, 8 peers', http: 'GET providers, each another key, so each a walk' }
/** Under way at once while the capacity is taken, and in a storm. */
const IN_FLIGHT = { capacity: { rpc: 512, http: 64 }, storm: 10_000 }
const FACTORS = [1, 3, 10]
const AFTER_MS = { full: 10_000, quick: 1000 }
const LOOK_MS = 100
/** As itself: lookups are answered, each within this. */
const WELL_MS = 250
const WELL_IN_A_ROW = 5

/** Arguments: seconds of each storm, 10 unless told; then the factors. */
export async function * figures ([seconds = '10', ...factors]: readonly string[], effort: Effort = FULL): AsyncGenerator<Figure> {
  await using stack = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-bench-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const afterMs = effort === QUICK ? AFTER_MS.quick : AFTER_MS.full
  const module = new URL('./storm/server.ts', import.meta.url)
  const peers = stack.use(await ServerProcess.start<{ readonly addresses: string[] }>(module, [folder, 'peers']))
  for (const name of ['rpc', 'http'] as const) {
    await using server = await ServerProcess.start<Ready>(module, [folder, 'daemon', peers.ready.addresses.slice(0, 4).join(',')])
    await using load = await Load.start(name, name === 'rpc' ? server.ready.address : server.ready.publicUrl)
    const durationMs = Number(seconds) * 1000
    const inFlight = IN_FLIGHT.capacity[name]
    await load.offer({ perSecond: null, durationMs: durationMs / 2, inFlight }) // warm
    const closed = await load.offer({ perSecond: null, durationMs, inFlight })
    const capacity = closed.outcomes.answered / closed.seconds
    yield alone('storm', `${SURFACES[name]}, closed loop of ${inFlight}`, 'answered/s (capacity)', [capacity])
    if (closed.latenciesMs.length > 0) yield alone('storm', `${SURFACES[name]}, closed loop of ${inFlight}`, 'p99 ms', [percentile(closed.latenciesMs, 99)])
    for (const factor of factors.length > 0 ? factors.map(Number) : FACTORS) {
      yield * stormFigures(`${SURFACES[name]}, ${factor}× capacity for ${seconds} s`, capacity, await storm(server.ready, load, capacity * factor, { durationMs, afterMs }))
    }
  }
}

interface Storm {
  readonly offered: Offered
  readonly refusals: ReadonlyMap<string, number>
  readonly ready: readonly Look[]
  readonly admin: readonly Look[]
  readonly recoverySeconds: number
}

async function storm ({ opsUrl, publicUrl, adminSocket, ownerToken }: Ready, load: Load, perSecond: number, { durationMs, afterMs }: { readonly durationMs: number, readonly afterMs: number }): Promise<Storm> {
  const before = await refusalsOf(opsUrl)
  const ends = new AbortController()
  let key = Math.floor(Math.random() * 1e9) // none that another storm asked for
  const looks = Promise.all([
    look({ port: new URL(opsUrl).port, path: () => '/readyz' }, LOOK_MS, ends.signal),
    look({ socketPath: adminSocket, path: () => '/v1/status', headers: { authorization: `Bearer ${ownerToken}` } }, LOOK_MS, ends.signal),
    look({ port: new URL(publicUrl).port, path: () => `/routing/v1/providers/${cidOf(key++).toString()}` }, LOOK_MS, ends.signal),
  ])
  const offered = await load.offer({ perSecond, durationMs, inFlight: IN_FLIGHT.storm })
  const endedAt = performance.now()
  await sleep(afterMs)
  ends.abort()
  const [ready, admin, lookups] = await looks
  const during = (look: Look): boolean => look.atMs < endedAt
  const after = await refusalsOf(opsUrl)
  const refusals = new Map([...after].map(([reason, count]) => [reason, count - (before.get(reason) ?? 0)] as const).filter(([, count]) => count > 0))
  return { offered, refusals, ready: ready.filter(during), admin: admin.filter(during), recoverySeconds: recovery(lookups, endedAt, afterMs) }
}

/** Seconds from the end of the storm until several lookups in a row were answered soon; all that was waited for when that did not come. */
function recovery (looks: readonly Look[], endedAt: number, afterMs: number): number {
  const after = looks.filter(({ atMs, ms }) => atMs + ms >= endedAt)
  const first = after.findIndex((_, index) => {
    const run = after.slice(index, index + WELL_IN_A_ROW)
    return run.length === WELL_IN_A_ROW && run.every(({ status, ms }) => status === 200 && ms <= WELL_MS)
  })
  const well = after[first]
  return well === undefined ? afterMs / 1000 : Math.max(0, well.atMs - endedAt) / 1000
}

function * stormFigures (load: string, capacity: number, { offered, refusals, ready, admin, recoverySeconds }: Storm): Generator<Figure> {
  const { seconds, sent, heldBack, outcomes, latenciesMs } = offered
  const figure = (unit: string, value: number): Figure => alone('storm', load, unit, [value])
  yield figure('offered/s', (sent + heldBack) / seconds)
  yield figure('not sent for want of a free stream/s', heldBack / seconds)
  yield figure('answered/s (goodput)', outcomes.answered / seconds)
  yield figure('goodput / capacity', capacity > 0 ? outcomes.answered / seconds / capacity : 0)
  yield figure('refused/s', outcomes.refused / seconds)
  yield figure('lost/s', outcomes.lost / seconds)
  if (latenciesMs.length > 0) {
    yield figure('p50 ms of answers', percentile(latenciesMs, 50))
    yield figure('p99 ms of answers', percentile(latenciesMs, 99))
  }
  for (const [reason, count] of refusals) yield figure(`refusals: ${reason}`, count)
  for (const [name, looks] of [['/readyz', ready], ['admin', admin]] as const) {
    yield figure(`${name} p50 ms`, percentile(looks.map(({ ms }) => ms), 50))
    yield figure(`${name} p99 ms`, percentile(looks.map(({ ms }) => ms), 99))
    yield figure(`${name} not 200`, looks.filter(({ status }) => status !== 200).length)
  }
  yield figure('seconds until itself again', recoverySeconds)
}

/** `rejected_total` by reason. */
async function refusalsOf (opsUrl: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text()
  return new Map([...text.matchAll(/^rejected_total\{reason="(\w+)"\} (\d+)/gm)].map(([, reason = '', count]) => [reason, Number(count)]))
}

/** The process that offers load. */
class Load implements AsyncDisposable {
  readonly #child: ReturnType<typeof fork>

  private constructor (child: ReturnType<typeof fork>) {
    this.#child = child
  }

  static async start (surface: SurfaceName, target: string): Promise<Load> {
    const child = fork(new URL('./storm/load.ts', import.meta.url), [surface, target])
    await once(child, 'message')
    return new Load(child)
  }

  /** A rate of null is as much as is answered. */
  async offer (order: { readonly perSecond: number | null, readonly durationMs: number, readonly inFlight: number }): Promise<Offered> {
    this.#child.send(order)
    const [offered] = await once(this.#child, 'message') as [Offered]
    return offered
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}
