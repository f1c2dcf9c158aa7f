import { compare, QUICK, type Effort, type Figure } from '../measure.ts'
import { ServerProcess } from '../server-process.ts'
import { openSessions } from './load.ts'

/** What a server of each kind holds in memory with a thousand sessions, in a new process each time. */

interface Held { readonly mb: number, readonly grownMb: number }

const SESSIONS = { full: 1000, quick: 20 }

export async function * memoryFigures (effort: Effort): AsyncGenerator<Figure> {
  const sessions = effort.roundMs > QUICK.roundMs ? SESSIONS.full : SESSIONS.quick
  const samples = { ours: [] as Held[], theirs: [] as Held[] }
  for (let round = 0; round < effort.rounds; round++) {
    samples.ours.push(await hold('native', sessions))
    samples.theirs.push(await hold('chainsafe', sessions))
  }
  const figure = (unit: string, of: (held: Held) => number): Figure => compare({
    bench: 'discv5', load: `${sessions} sessions`, unit, ours: samples.ours.map(of), theirs: samples.theirs.map(of), peer: '@chainsafe/discv5', better: 'lower',
  })
  yield figure('RSS MB', ({ mb }) => mb)
  yield figure('MB more than with none', ({ grownMb }) => grownMb)
}

async function hold (engine: 'native' | 'chainsafe', sessions: number): Promise<Held> {
  await using server = await ServerProcess.start<{ readonly record: string }>(new URL('./server.ts', import.meta.url), [engine])
  const before = await server.usage({ collectGarbage: true })
  await openSessions(server.ready.record, sessions)
  const { rssBytes, held = 0 } = await server.usage({ collectGarbage: true })
  if (held < sessions) throw new Error(`${engine} holds ${held} sessions of ${sessions}`)
  return { mb: rssBytes / 1e6, grownMb: (rssBytes - before.rssBytes) / 1e6 }
}
