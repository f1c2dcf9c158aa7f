import { readFileSync } from 'node:fs'
import t from 'tap'
import { RECEIVE_BUFFER_BYTES, receiveBufferShortage, UdpSocket } from '../../src/discv5/socket.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { startTestDaemon, until } from '../daemon.ts'
import { createNode, Network } from './network.ts'

t.test('the socket asks for 4 MiB and tells what it got', async t => {
  const socket = new UdpSocket({ ip: '127.0.0.1', port: 0 }, () => {})
  t.equal(socket.receiveBufferBytes, 0)
  await socket.bind(() => {})
  t.teardown(async () => await socket.close())
  if (process.platform === 'linux') {
    const most = Number(readFileSync('/proc/sys/net/core/rmem_max', 'utf8'))
    t.equal(socket.receiveBufferBytes, Math.min(RECEIVE_BUFFER_BYTES, most))
  } else {
    t.ok(socket.receiveBufferBytes > 0)
  }
})

t.test('less than asked for is a shortage that names the sysctl; no socket is none', async t => {
  t.strictSame(receiveBufferShortage(212_992), { event: 'discv5_buffer_small', asked_bytes: 4_194_304, granted_bytes: 212_992, sysctl: 'net.core.rmem_max=4194304' })
  t.equal(receiveBufferShortage(RECEIVE_BUFFER_BYTES), undefined)
  t.equal(receiveBufferShortage(0), undefined)
})

t.test('a node whose kernel grants less warns at its start, once; one that got it does not', async t => {
  for (const [granted, warnings] of [[212_992, 1], [RECEIVE_BUFFER_BYTES, 0]] as const) {
    const logs: Array<{ readonly event?: string, readonly sysctl?: string }> = []
    const node = createNode([{ ...new Network().socket('127.0.0.1', 1), receiveBufferBytes: granted }], {}, {
      log: createLogger({ level: 'debug' }, { write: line => { logs.push(JSON.parse(line)) } }),
    })
    await node.start()
    t.teardown(async () => await node.stop())
    t.equal(logs.filter(({ event, sysctl }) => event === 'discv5_buffer_small' && sysctl !== undefined).length, warnings)
  }
})

for (const engine of ['native', 'chainsafe']) {
  t.test(`the metric of a daemon with the ${engine} engine tells what the kernel granted`, async t => {
    const daemon = await startTestDaemon(t, { flags: { 'discv5.engine': engine } })
    await until(async () => await daemon.metric('svc_dht_discv5_receive_buffer_bytes') > 0, 'it is measured')
    const granted = await daemon.metric('svc_dht_discv5_receive_buffer_bytes')
    t.ok(granted > 20_480, 'more than the library asks for by itself')
    t.equal(daemon.logs.some(({ sysctl }) => sysctl !== undefined), granted < RECEIVE_BUFFER_BYTES)
  })
}
