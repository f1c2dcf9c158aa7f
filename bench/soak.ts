import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { toCidText } from '../src/core/key.ts'
import { alone, median, type Figure } from './measure.ts'
import { keyOf } from './rpc/fill.ts'
import { createClient, runLoad } from './rpc/load.ts'

interface Addresses { readonly address: string, readonly publicUrl: string, readonly opsUrl: string }
interface Sample { readonly rssBytes: number, readonly heapBytes: number, readonly fileDescriptors: number }

const WARM_UP_PART = 0.3
const MOST_SAMPLE_MS = 5000
const SAMPLES = 20
const TYPES = ['ADD_PROVIDER', 'GET_PROVIDERS', 'FIND_NODE', 'PING'] as const
/** Keys in turn: with records of 20 s, as many expire as arrive. */
const KEYS = 100_000

/** Does anything grow? A daemon under mixed load, connections and requests coming and going. Argument: seconds, 600 unless told. */
export async function * figures ([seconds = '600']: readonly string[]): AsyncGenerator<Figure> {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-soak-'))
  const child = fork(new URL('./soak/server.ts', import.meta.url), [folder], { execArgv: ['--expose-gc'] })
  try {
    const [addresses] = await once(child, 'message') as [Addresses]
    const endsAt = performance.now() + Number(seconds) * 1000
    const samples: Sample[] = []
    let [requests, refusedTurns] = [0, 0]
    const load = (async () => {
      for (let turn = 0; performance.now() < endsAt; turn++) {
        try {
          requests += await oneTurn(addresses, turn)
        } catch {
          refusedTurns++ // the machine was busy with something else, and the daemon shed load
        }
      }
    })()
    while (performance.now() < endsAt) {
      await sleep(Math.min(MOST_SAMPLE_MS, Number(seconds) * 1000 / SAMPLES))
      child.send('sample')
      const [sample] = await once(child, 'message') as [Sample]
      samples.push(sample)
    }
    await load
    yield * report(samples.slice(Math.floor(samples.length * WARM_UP_PART)), `${seconds} s of mixed load`, requests, refusedTurns)
  } finally {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A client that connects, asks for a second over libp2p and over HTTP, and leaves. */
async function oneTurn ({ address, publicUrl, opsUrl }: Addresses, turn: number): Promise<number> {
  const client = await createClient()
  try {
    const { requests } = await runLoad(client, address, TYPES[turn % TYPES.length] ?? 'PING', turn % 2 === 0 ? 'long' : 'new', 1000, KEYS)
    const answers = await Promise.all(Array.from({ length: 20 }, async (_, index) => await (await fetch(`${publicUrl}/routing/v1/providers/${toCidText(keyOf(turn * 20 + index))}`)).text()))
    await (await fetch(`${opsUrl}/metrics`)).text()
    return requests + answers.length
  } finally {
    await client.stop()
  }
}

/** The second half beside the first: flat means 1. */
function * report (samples: readonly Sample[], load: string, requests: number, refusedTurns: number): Generator<Figure> {
  const half = Math.floor(samples.length / 2)
  const growth = (of: (sample: Sample) => number): number => median(samples.slice(half).map(of)) / median(samples.slice(0, half).map(of))
  yield alone('soak', load, 'requests', [requests])
  yield alone('soak', load, 'turns cut short by a refusal', [refusedTurns])
  yield alone('soak', load, 'RSS MB', [median(samples.map(({ rssBytes }) => rssBytes)) / 1e6])
  yield alone('soak', load, 'RSS, 2nd half / 1st', [growth(({ rssBytes }) => rssBytes)])
  yield alone('soak', load, 'heap, 2nd half / 1st', [growth(({ heapBytes }) => heapBytes)])
  yield alone('soak', load, 'file descriptors, 2nd/1st', [growth(({ fileDescriptors }) => fileDescriptors)])
}
