import { randomBytes } from 'node:crypto'
import t from 'tap'
import type { Discv5Engine } from '../../../src/discv5/engine.ts'
import { UdpSocket } from '../../../src/discv5/socket.ts'
import { makeChainsafe, makeNative, startIn, type MakeEngine } from '../engines.ts'
import { createNode, until } from '../network.ts'

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

t.test('native reaches chainsafe while every fifth packet is lost, both ways', async t => {
  await using stack = new AsyncDisposableStack()
  const asked = await startIn(stack, makeChainsafe())
  const real = new UdpSocket({ ip: '127.0.0.1', port: 0 }, () => {})
  let packets = 0
  const isLost = (): boolean => ++packets % 5 === 0
  const asker = await startIn(stack, createNode([{
    family: 4,
    receiveBufferBytes: 0,
    bind: async onPacket => await real.bind((packet, ip, port) => { if (!isLost()) onPacket(packet, ip, port) }),
    send: (packet, ip, port) => { if (!isLost()) real.send(packet, ip, port) },
    close: async () => await real.close(),
  }], { retries: 4 }))
  for (let i = 0; i < 30; i++) await t.resolves(asker.ping(asked.ownRecord().text))
  t.ok(packets > 60)
})
