import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { startTestDaemon } from '../daemon.ts'

t.setTimeout(120_000)

async function takenTcp (t: Test): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

async function takenUdp (t: Test): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  return socket.address().port
}

t.test('a start that finds a port taken ends with one line that names the address and the setting', async t => {
  const [tcp, udp] = [await takenTcp(t), await takenUdp(t)]
  const cases = [
    ['ops.listen', `127.0.0.1:${tcp}`],
    ['public.listen', `127.0.0.1:${tcp}`],
    ['admin.listen', `127.0.0.1:${tcp}`],
    ['kad.listen', `/ip4/127.0.0.1/tcp/${tcp}`],
    ['kad.listen', `/ip4/127.0.0.1/tcp/${tcp}/ws`],
    ['kad.listen', `/ip4/127.0.0.1/udp/${udp}/quic-v1`],
    ['discv5.listen', `127.0.0.1:${udp}`],
    ['discv5.listen', `127.0.0.1:${udp}`, { 'discv5.engine': 'chainsafe' }],
  ] as const
  for (const [setting, address, others] of cases) {
    await t.rejects(startTestDaemon(t, { flags: { ...others, [setting]: address } }), { message: `cannot listen on ${address} (another program uses this port): change ${setting}` }, address)
  }
})

t.test('of several libp2p addresses each that fails is named, with its own reason', async t => {
  const tcp = await takenTcp(t)
  const flags = { 'kad.listen': `/ip4/127.0.0.1/tcp/0,/ip4/127.0.0.1/tcp/${tcp},/ip4/192.0.2.1/udp/0/quic-v1` }
  await t.rejects(startTestDaemon(t, { flags }), { message: `cannot listen on /ip4/127.0.0.1/tcp/${tcp} (another program uses this port), /ip4/192.0.2.1/udp/0/quic-v1 (this machine does not have the address): change kad.listen` })
})
