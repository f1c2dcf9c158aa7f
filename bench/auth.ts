import { createRequire } from 'node:module'
import { decodeMacaroon, encodeV2 } from '../src/auth/macaroon/codec.ts'
import { attenuate, mintMacaroon, verifyMacaroon } from '../src/auth/macaroon/macaroon.ts'
import { compare, FULL, type Effort, type Figure } from './measure.ts'

/** What believing one token costs: decode and verify, as every request with a capability pays it. */

interface NpmMacaroon { verify (key: Uint8Array, check: (condition: string) => string | null): void }
const npm = createRequire(import.meta.url)('macaroon') as { importMacaroon (bytes: Uint8Array): NpmMacaroon }

const PEER = 'npm macaroon 3.0.4'
const KEY = Buffer.alloc(32, 7)
const CONDITIONS = ['service=svc-dht', 'expires<=2030-01-01T00:00Z', 'verbs in read,write', 'ip=127.0.0.0/8', 'scope=provider', 'rps<=10', 'tenant=a', 'aud=b']

/** Arguments: the numbers of caveats to try, 2 and 8 unless told. */
export async function * figures (args: readonly string[], { rounds, roundMs }: Effort = FULL): AsyncGenerator<Figure> {
  for (const caveats of args.length > 0 ? args.map(Number) : [2, 8]) {
    const bytes = tokenOf(caveats)
    const believeOurs = () => { verifyMacaroon(decodeMacaroon(bytes), KEY) }
    const believeTheirs = () => { npm.importMacaroon(bytes).verify(KEY, () => null) }
    microseconds(believeOurs, roundMs / 3) // until both are compiled
    microseconds(believeTheirs, roundMs / 3)
    const ours: number[] = []
    const theirs: number[] = []
    for (let round = 0; round < rounds; round++) {
      ours.push(microseconds(believeOurs, roundMs))
      theirs.push(microseconds(believeTheirs, roundMs))
    }
    yield compare({ bench: 'auth', load: `decode and verify V2, ${caveats} caveats`, unit: 'CPU µs/token', ours, peer: PEER, theirs, better: 'lower' })
  }
}

function tokenOf (caveats: number): Uint8Array {
  const conditions = Array.from({ length: caveats }, (_, index) => Buffer.from(CONDITIONS[index % CONDITIONS.length] ?? ''))
  return encodeV2(conditions.reduce(attenuate, mintMacaroon(KEY, Buffer.from(`v1:${'0'.repeat(16)}:${'1'.repeat(32)}`), 'svc-dht')))
}

/** CPU time of the process, so that what others take of the core does not count. */
function microseconds (work: () => void, ms: number): number {
  const before = process.cpuUsage()
  const until = performance.now() + ms
  let times = 0
  do {
    for (let i = 0; i < 100; i++) work()
    times += 100
  } while (performance.now() < until)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / times
}
