import { randomBytes } from 'node:crypto'
import t from 'tap'
import type { Discv5Engine } from '../../../src/discv5/engine.ts'
import { makeChainsafe, makeNative, startIn, type MakeEngine } from '../engines.ts'
import { until } from '../network.ts'

const DIRECTIONS: ReadonlyArray<readonly [string, MakeEngine, MakeEngine]> = [['native asks chainsafe', makeNative, makeChainsafe], ['chainsafe asks native', makeChainsafe, makeNative]]

for (const [direction, makeAsker, makeAsked] of DIRECTIONS) {
  t.test(`${direction}: handshake, PING, FINDNODE and TALKREQ`, async t => {
    await using stack = new AsyncDisposableStack()
    const asker = await startIn(stack, makeAsker())
    const asked = await startIn(stack, makeAsked())
    const to = asked.ownRecord().text
    for (let i = 0; i < 3; i++) {
      const { ip, port, enrSeq } = await asker.ping(to)
      t.strictSame({ ip, port }, asker.listening()[0])
      t.equal(enrSeq, asked.ownRecord().seq)
    }
    t.strictSame((await asker.findNode(to, [0])).map(({ text }) => text), [to])
    asked.onTalkRequest('echo', (_from, request) => request)
    const request = randomBytes(500)
    t.ok(request.equals(await asker.talkRequest(to, 'echo', request)))
    t.equal((await asker.talkRequest(to, 'nobody', request)).length, 0)
    await asked.ping(asker.ownRecord().text) // in the session that is there
  })

  t.test(`${direction}: a node that restarts with another session is reached again`, async t => {
    await using stack = new AsyncDisposableStack()
    const asker = await startIn(stack, makeAsker())
    const first = await startIn(stack, makeAsked())
    await asker.ping(first.ownRecord().text)
    const [{ port = 0 } = {}] = first.listening()
    await first.stop()
    const second = await startIn(stack, makeAsked({ port }))
    const { enrSeq } = await asker.ping(second.ownRecord().text)
    t.equal(enrSeq, second.ownRecord().seq)
  })

  t.test(`${direction}: a lookup goes through the other kind`, async t => {
    await using stack = new AsyncDisposableStack()
    const middle = await startIn(stack, makeAsked())
    const sought: Discv5Engine = await startIn(stack, makeAsker())
    await sought.ping(middle.ownRecord().text)
    await middle.ping(sought.ownRecord().text)
    await until(() => middle.stats().liveNodes === 1)
    const asker = await startIn(stack, makeAsker())
    asker.addRecord(middle.ownRecord().text)
    const { nodes } = await asker.lookup(sought.nodeId)
    t.ok(nodes.some(({ nodeId }) => nodeId === sought.nodeId))
  })
}
