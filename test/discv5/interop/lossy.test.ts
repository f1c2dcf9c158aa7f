import { randomBytes } from 'node:crypto'
import t from 'tap'
import type { DhtError } from '../../../src/core/errors.ts'
import type { Discv5Engine } from '../../../src/discv5/engine.ts'
import { makeChainsafe, makeNative, startIn, type MakeEngine } from '../engines.ts'
import { LossyNetwork, seeded } from './lossy-network.ts'

t.setTimeout(300_000)

const LOSS = 0.2
/** More rounds, each with other losses, where there is time. */
const ROUNDS = Number(process.env.DISCV5_LOSSY_ROUNDS ?? 1)
/** How often one exchange is begun; all its retries fail once in some thousands. */
const ATTEMPTS = 3
const PATIENT = { requestTimeoutMs: 250, retries: 8 }

/** A started node that tells everybody to come through its door. */
async function startBehindDoor (stack: AsyncDisposableStack, network: LossyNetwork, make: MakeEngine): Promise<Discv5Engine> {
  const door = await network.addDoor()
  const node = await startIn(stack, make({ ...PATIENT, announcePort: door.port }))
  door.opensTo(node.listening()[0]?.port ?? 0)
  return node
}

/** Asks again after a Timeout, as lookups and checks do. Gives the Timeouts it took. */
async function persist (ask: () => Promise<unknown>): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      await ask()
      return attempt - 1
    } catch (err) {
      if ((err as DhtError).code !== 'Timeout' || attempt === ATTEMPTS) throw err
    }
  }
}

const DIRECTIONS = [['native asks chainsafe', makeNative, makeChainsafe], ['chainsafe asks native', makeChainsafe, makeNative]] as const

const RUNS = DIRECTIONS.flatMap(direction => Array.from({ length: ROUNDS }, (_, round) => [...direction, round + 1] as const))

for (const [direction, makeAsker, makeAsked, seed] of RUNS) {
  t.test(`${direction} (${seed}) while every fifth packet is lost, both ways: every exchange gets through`, async t => {
    await using stack = new AsyncDisposableStack()
    const random = seeded(seed)
    const network = stack.use(new LossyNetwork(() => random() < LOSS))
    const asker = await startBehindDoor(stack, network, makeAsker)
    const asked = await startBehindDoor(stack, network, makeAsked)
    const to = asked.ownRecord().text
    asked.onTalkRequest('echo', (_from, request) => request)
    const request = randomBytes(300)
    let timeouts = 0
    for (let round = 0; round < 10; round++) {
      timeouts += await persist(async () => await asker.ping(to))
      timeouts += await persist(async () => t.strictSame((await asker.findNode(to, [0])).map(({ text }) => text), [to]))
      timeouts += await persist(async () => t.ok(request.equals(await asker.talkRequest(to, 'echo', request))))
    }
    timeouts += await persist(async () => await asked.ping(asker.ownRecord().text)) // and the other way, in the session that is there or another
    const { passed, lost } = network.counts
    t.ok(lost > 0.1 * (passed + lost) && passed > 60, `${lost} of ${passed + lost} packets were lost`)
    t.comment(`${direction}: ${lost} of ${passed + lost} packets lost, ${timeouts} exchanges of 31 begun again`)
  })
}
