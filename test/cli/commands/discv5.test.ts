import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { sweepBuckets } from '../../../src/cli/commands/discv5/bucket-sweep.ts'
import { showNode } from '../../../src/cli/commands/discv5/record.ts'
import { signRecord } from '../../../src/discv5/enr/record.ts'
import { ipBytes } from '../../../src/discv5/ip.ts'
import { UdpSocket } from '../../../src/discv5/socket.ts'
import { startTestDaemon, until } from '../../daemon.ts'
import { createNode, curve } from '../../discv5/network.ts'
import { vectors } from '../../discv5/vectors.ts'
import { only } from '../../patterns.ts'
import { start } from '../../process.ts'
import { jsonLines, ronctl } from '../ronctl.ts'

t.setTimeout(90_000)

const ABSENT = 'ab'.repeat(32)
const port = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff)

/** The real program, against a daemon's socket. */
async function run (t: Test, socket: string, ...args: string[]) {
  const { code, stdout, stderr } = await start(t, 'ronctl', ['discv5', ...args, '--socket', socket]).exit
  return { code, stdout, stderr }
}

t.test('two daemons: ronctl shows the one and asks the other through it', async t => {
  const first = await startTestDaemon(t)
  const second = await startTestDaemon(t, { flags: { 'discv5.bootnodes': first.enr() ?? '' } })
  const [enr, other] = [first.enr() ?? '', second.enr() ?? '']
  const socket = first.adminSocket
  await until(async () => await first.metric('svc_dht_discv5_table_nodes{state="live"}') === 1, 'they know each other')
  t.match(first.logs.find(({ event }) => event === 'discv5_listening'), { record: enr, secp256k1: 'secp256k1-native' }, 'the log says which curve is loaded')
  const { features } = await (await fetch(`${first.opsUrl}/version`)).json() as { readonly features: readonly string[] }
  t.ok(features.includes('secp256k1-native'), 'and so does /version')
  t.same(await run(t, socket, 'enr'), { code: 0, stdout: `${enr}\n`, stderr: '' })
  const { node_id: id } = jsonLines((await ronctl(['discv5', 'node', other, '--json'])).stdout)[0] as { readonly node_id: string }
  t.match(await run(t, socket, 'status'), { code: 0, stdout: /engine +native \(secp256k1-native\)\nlistens on +127\.0\.0\.1:\d+\ntable +1 node, 1 live/ })
  t.match(await run(t, socket, 'table'), { code: 0, stdout: new RegExp(`${id}  127\\.0\\.0\\.1:\\d+  yes`), stderr: '1 node, 1 live\n' })
  t.match(await run(t, socket, 'ping', other), { code: 0, stdout: /answered after +\d+ ms\n.*sequence number \d+\nit sees us at +127\.0\.0\.1:\d+/ })
  t.match(await run(t, socket, 'ping', id), { code: 0 }, 'a node of the table goes by its ID')
  t.match(await run(t, socket, 'lookup', other, '--count', '1'), { code: 0, stdout: new RegExp(`^${id} +\\d+ +udp/127\\.0\\.0\\.1:\\d+ tcp/127\\.0\\.0\\.1:\\d+$`, 'm'), stderr: /^1 node after \d+ requests?\n$/ })
  t.match(jsonLines((await run(t, socket, 'nodes', id, '0', '--json')).stdout), only({ nodes: only({ node_id: id, enr: other }) }))
  t.same(await run(t, socket, 'talk', id, 'nobody-knows', '00ff'), { code: 0, stdout: '\n', stderr: '' })
  t.match(await run(t, socket, 'ping', ABSENT), { code: 1, stderr: /Nobody asked knows/ })
  t.match(await run(t, socket, 'ping', 'x'), { code: 2, stderr: /names no node/ })
})

t.test('a daemon without the plane says what to set', async t => {
  const daemon = await startTestDaemon(t, { flags: { 'discv5.enabled': 'false' } })
  t.match(await ronctl(['discv5', 'table', '--socket', daemon.adminSocket]), { exit: 1, stderr: /not a discv5 node.*\n.*discv5\.enabled/ })
})

t.test('a crawl meets every node of the network, and prints each record once', async t => {
  const first = await startTestDaemon(t)
  const others = [await startTestDaemon(t, { flags: { 'discv5.bootnodes': first.enr() ?? '' } }), await startTestDaemon(t, { flags: { 'discv5.bootnodes': first.enr() ?? '' } })]
  const late = createNode([new UdpSocket({ ip: '127.0.0.1', port: 0 }, () => {})])
  t.teardown(async () => await late.stop())
  const crawling = start(t, 'ronctl', ['discv5', 'crawl', '--for', '5s', '--json', '--socket', first.adminSocket])
  await crawling.printed(/"record"[^]*"record"/)
  await late.start()
  await late.ping(first.enr() ?? '') // who comes meanwhile is told, too
  const { code, stdout } = await crawling.exit
  t.equal(code, 0)
  const lines = jsonLines(stdout) as Array<{ readonly event: string, readonly record?: { readonly enr: string } }>
  const enrs = lines.flatMap(({ record }) => record === undefined ? [] : [record.enr])
  for (const enr of [...others.map(other => other.enr()), late.ownRecord().text]) t.ok(enrs.includes(enr ?? ''), 'it is met')
  t.equal(new Set(enrs).size, enrs.length)
  t.match(lines.at(-1), { event: 'done', records: enrs.length, nodes: 3, asked: 3, answered: Number, complete: true })
  const { exit, stdout: shown, stderr } = await ronctl(['discv5', 'crawl', '--for', '1s', '--socket', first.adminSocket])
  t.match({ exit, shown, stderr }, { exit: 0, shown: /^[0-9a-f]{64} {2}\d+ {2}udp\/127\.0\.0\.1:\d+/m, stderr: /^\d records? of 3 nodes; 3 asked, \d answered; \d+ lookups?, \d+ requests? in 1s(; \d failed)?\n$/ })
})

t.test('a crawl of a node that is alone is a no, one that the daemon ends says so, and none is without end', async t => {
  const daemon = await startTestDaemon(t)
  t.match(await ronctl(['discv5', 'crawl', '--for', '1s', '--socket', daemon.adminSocket]), { exit: 1, stdout: /^$/, stderr: /^0 records of 0 nodes/ })
  for (const time of ['0s', '25h', 'x']) t.match(await ronctl(['discv5', 'crawl', '--for', time, '--socket', '/nowhere']), { exit: 2 }, time)
  const cut = start(t, 'ronctl', ['discv5', 'crawl', '--for', '1m', '--socket', daemon.adminSocket])
  await until(async () => await daemon.metric('svc_dht_http_in_flight{service="admin"}') > 0, 'it crawls')
  await daemon[Symbol.asyncDispose]()
  t.match(await cut.exit, { code: 69 })
})

t.test('a crawl says how many of the nodes it asked answered, and asks no more than it is told to', async t => {
  const live = createNode([new UdpSocket({ ip: '127.0.0.1', port: 0 }, () => {})])
  await live.start()
  t.teardown(async () => await live.stop())
  const gone = signRecord(1n, { ip: ipBytes('127.0.0.1'), udp: port(1024) }, randomBytes(32), curve).text
  const { adminSocket } = await startTestDaemon(t, { flags: { 'discv5.bootnodes': `${gone},${live.ownRecord().text}`, 'discv5.requestTimeout': '100ms', 'discv5.pingInterval': '10m' } })
  t.match(await ronctl(['discv5', 'crawl', '--for', '2s', '--socket', adminSocket]), { exit: 0, stderr: /^2 records of 2 nodes; 2 asked, 1 answered;/ })
  t.match(await ronctl(['discv5', 'crawl', '--for', '1s', '--nodes', '1', '--socket', adminSocket]), { stderr: /; 1 asked, / })
  t.match(await ronctl(['discv5', 'crawl', '--nodes', '0', '--socket', '/nowhere']), { exit: 2 })
})

t.test('all buckets of a node are asked for, with as few requests as they need', async t => {
  await fc.assert(fc.asyncProperty(fc.array(fc.nat(16), { maxLength: 18 }), async sizes => {
    const got = new Set<string>()
    let requests = 0
    await sweepBuckets(async distances => {
      requests++
      const answer = distances.flatMap(distance => Array.from({ length: sizes[256 - distance] ?? 0 }, (_, i) => `${distance}/${i}`)).slice(0, 16)
      for (const node of answer) got.add(node)
      return answer.length
    })
    const full = sizes.findIndex(size => size < 16)
    const tapers = sizes.slice(full < 0 ? sizes.length : full).reduce((sum, size) => sum + size, 0) < 32 // as buckets do: each half of the one before
    return requests <= 24 && (!tapers || got.size === sizes.reduce((sum, size) => sum + size, 0))
  }))
  for (const answers of [[undefined], [16, undefined], [3, undefined]]) {
    let requests = 0
    await sweepBuckets(async () => answers[requests++])
    t.equal(requests, answers.length, 'a node that stopped to answer is not asked on')
  }
  let asked = 0
  await sweepBuckets(async () => ++asked && 16)
  t.ok(asked <= 24, 'nor is one that claims to know everybody')
})

t.test('wrong arguments are refused before any daemon is asked', async t => {
  for (const args of [['lookup', 'x'], ['lookup', ABSENT, '--count', '17'], ['nodes', ABSENT, '257'], ['nodes', ABSENT, '-'], ['nodes', ABSENT], ['talk', ABSENT], ['talk', ABSENT, 'p', '00', '--text', 'x']]) {
    t.match(await ronctl(['discv5', ...args, '--socket', '/nowhere']), { exit: 2 }, args.join(' '))
  }
})

t.test('talk sends text as it sends hex', async t => {
  const { adminSocket } = await startTestDaemon(t)
  const other = createNode([new UdpSocket({ ip: '127.0.0.1', port: 0 }, () => {})])
  await other.start()
  t.teardown(async () => await other.stop())
  other.onTalkRequest('echo', (_from, request) => Buffer.concat([request, Buffer.from('!')]))
  for (const [payload, response] of [[['6869'], '686921'], [['--text', 'hi'], '686921'], [[], '21']] as const) {
    t.match(await ronctl(['discv5', 'talk', other.ownRecord().text, 'echo', ...payload, '--socket', adminSocket]), { exit: 0, stdout: new RegExp(`^${response}\n$`), stderr: /^$/ })
  }
})

t.test('node decodes the record of EIP-778 where no daemon runs', async t => {
  const { text, nodeId, udp } = vectors.enr
  const { exit, stdout } = await ronctl(['discv5', 'node', text, '--json'])
  t.equal(exit, 0)
  t.match(jsonLines(stdout), only({
    valid: true, node_id: nodeId, seq: '1', public_key: /^03ca634cae/, addresses: only({ transport: 'udp', ip: '127.0.0.1', port: udp }), pairs: { id: '7634', ip: '7f000001', udp: '765f' },
  }))
  t.match((await ronctl(['discv5', 'node', text])).stdout, /valid +yes[^]*addresses +udp 127\.0\.0\.1:30303\n/)
})

t.test('node tells every address, with the ports of its family', async t => {
  const { text } = signRecord(7n, {
    ip: ipBytes('192.0.2.1'), ip6: ipBytes('2001:db8::1'), udp: port(9000), tcp: port(9001), tcp6: port(9002), quic: port(9003), quic6: port(9004), eth2: Buffer.from('00', 'hex'),
  }, randomBytes(32), curve)
  t.match(showNode(text), {
    valid: true,
    seq: '7',
    addresses: only(
      { transport: 'udp', ip: '192.0.2.1', port: 9000 }, { transport: 'tcp', ip: '192.0.2.1', port: 9001 }, { transport: 'quic', ip: '192.0.2.1', port: 9003 },
      { transport: 'udp', ip: '2001:db8::1', port: 9000 }, { transport: 'tcp', ip: '2001:db8::1', port: 9002 }, { transport: 'quic', ip: '2001:db8::1', port: 9004 },
    ),
    pairs: { eth2: '00' },
  })
  t.match((await ronctl(['discv5', 'node', text])).stdout, 'tcp [2001:db8::1]:9002')
})

t.test('a record that was tampered with is told from one that is none', async t => {
  const record = signRecord(1n, { udp: port(9000) }, randomBytes(32), curve)
  const forged = Buffer.from(record.bytes)
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
  t.match(await ronctl(['discv5', 'node', `enr:${forged.toString('base64url')}`, '--json']), { exit: 1, stdout: /"valid":false,"fault":"signature"/ })
  t.match(await ronctl(['discv5', 'node', 'enr:AA']), { exit: 1, stdout: /valid +no: / })
  fc.assert(fc.property(fc.oneof(fc.string(), fc.string().map(text => `enr:${text}`), fc.uint8Array({ maxLength: 400 }).map(bytes => `enr:${Buffer.from(bytes).toString('base64url')}`)), text => !showNode(text).valid))
})
