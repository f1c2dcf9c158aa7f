import { setTimeout as delay } from 'node:timers/promises'
import { Bystander } from './bystander.ts'
import type { Message } from './messages.ts'
import { logDistance, makeRecord, newIdentity } from './record.ts'
import { describe, Listener, Nonconformity, Tester, type Received } from './tester.ts'

/**
 * The seven discv5 tests of go-ethereum's `devp2p discv5 test`, and the three of go-ethereum#34770, told anew. The node on trial
 * has an empty table and no bootstrap, and its record says where it is; testers are at 127.0.0.1 and 127.0.0.2.
 */
export interface Rule {
  readonly name: string
  /** @throws {Nonconformity} saying what the node did */
  readonly judge: (recordText: string, patience?: Patience) => Promise<void>
}

export interface Patience {
  /** Until when bystanders must have been pinged; the rule says 60 s. */
  readonly noticedWithinMs?: number
}

const LISTEN_1 = '127.0.0.1'
const LISTEN_2 = '127.0.0.2'
const BYSTANDERS = 5
const NOTICED_WITHIN_MS = 60_000

export const RULES: readonly Rule[] = [
  { name: 'Ping', judge: ping },
  { name: 'PingLargeRequestID', judge: pingLargeRequestId },
  { name: 'PingMultiIP', judge: pingMultiIp },
  { name: 'HandshakeResend', judge: handshakeResend },
  { name: 'TalkRequest', judge: talkRequest },
  { name: 'FindnodeZeroDistance', judge: findNodeZeroDistance },
  { name: 'FindnodeResults', judge: findNodeResults },
  { name: 'FindnodeWrongIP', judge: findNodeWrongIp },
  { name: 'FindnodeHandshake', judge: findNodeHandshake },
  { name: 'UnsolicitedNodes', judge: unsolicitedNodes },
]

async function ping (recordText: string): Promise<void> {
  await using listener = await Listener.open(LISTEN_1)
  const tester = new Tester(recordText)
  const request = tester.ping()
  checkPong(await tester.request(listener, request), request, listener)
}

async function pingLargeRequestId (recordText: string): Promise<void> {
  await using listener = await Listener.open(LISTEN_1)
  const tester = new Tester(recordText)
  const got = await tester.request(listener, { type: 'PING', reqId: Buffer.alloc(9), enrSeq: 0n })
  if (got.type !== 'TIMEOUT') throw new Nonconformity(`a request ID of nine bytes was answered with ${describe(got)}`)
}

async function pingMultiIp (recordText: string): Promise<void> {
  await using first = await Listener.open(LISTEN_1)
  await using second = await Listener.open(LISTEN_2)
  const tester = new Tester(recordText)
  const request = tester.ping()
  checkPong(await tester.request(first, request), request, first)

  const moved = tester.ping()
  tester.write(second, moved)
  const challenge = expectType(await tester.read(second), 'WHOAREYOU', 'for the session at another IP')
  tester.answer(second, challenge, moved)
  checkPong(await tester.read(second), moved, second)

  tester.write(first, tester.ping())
  expectType(await tester.read(first), 'WHOAREYOU', 'for the newer session at the first IP')
}

async function handshakeResend (recordText: string): Promise<void> {
  await using listener = await Listener.open(LISTEN_1)
  const tester = new Tester(recordText)
  tester.write(listener, tester.ping())
  const first = expectType(await tester.read(listener), 'WHOAREYOU', 'for a PING')
  tester.write(listener, tester.ping())
  const second = expectType(await tester.read(listener), 'WHOAREYOU', 'for a second PING')
  if (!second.nonce.equals(first.nonce)) throw new Nonconformity('the second WHOAREYOU names another nonce')
  if (!second.challengeData.equals(first.challengeData)) throw new Nonconformity('the second WHOAREYOU has other challenge data')
}

async function talkRequest (recordText: string): Promise<void> {
  await using listener = await Listener.open(LISTEN_1)
  const tester = new Tester(recordText)
  for (const reqId of [tester.nextReqId(), Buffer.alloc(0)]) {
    const got = expectType(await tester.request(listener, { type: 'TALKREQ', reqId, protocol: 'test-protocol', request: new Uint8Array() }), 'TALKRESP', `with a request ID of ${reqId.length} bytes`)
    checkReqId(got.reqId, reqId)
    if (got.response.length > 0) throw new Nonconformity('TALKRESP of an unknown protocol is not empty')
  }
}

async function findNodeZeroDistance (recordText: string): Promise<void> {
  await using listener = await Listener.open(LISTEN_1)
  const tester = new Tester(recordText)
  const records = await tester.findNode(listener, [0])
  if (records.length !== 1) throw new Nonconformity(`${records.length} records for distance 0`)
  if (!records[0]?.nodeId.equals(tester.remote.nodeId)) throw new Nonconformity('the record at distance 0 is another node')
}

async function findNodeResults (recordText: string, { noticedWithinMs = NOTICED_WITHIN_MS }: Patience = {}): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const bystanders = await Promise.all(Array.from({ length: BYSTANDERS }, async () => stack.use(await Bystander.start(recordText, LISTEN_1))))
  const late = new AbortController()
  let count = 0
  const all = Promise.all(bystanders.map(async ({ noticed }) => { await noticed; count++ }))
  const isTooLate = await Promise.race([all.then(() => false), delay(noticedWithinMs, true, { signal: late.signal })])
  late.abort()
  if (isTooLate) throw new Nonconformity(`${count} of ${BYSTANDERS} bystanders were pinged within ${noticedWithinMs / 1000} s`)

  const tester = new Tester(recordText)
  await using listener = await Listener.open(LISTEN_1)
  const ids = bystanders.map(bystander => bystander.tester.identity.nodeId)
  const records = await tester.findNode(listener, [...new Set(ids.map(id => logDistance(id, tester.remote.nodeId)))])
  const missing = ids.filter(id => !records.some(({ nodeId }) => nodeId.equals(id)))
  if (missing.length > 0) throw new Nonconformity(`${missing.length} of ${BYSTANDERS} bystanders are missing in NODES`)
}

async function findNodeWrongIp (recordText: string): Promise<void> {
  await using first = await Listener.open(LISTEN_1)
  await using second = await Listener.open(LISTEN_2)
  const tester = new Tester(recordText)
  const request = tester.ping()
  checkPong(await tester.request(first, request), request, first)

  const asked: Message = { type: 'FINDNODE', reqId: tester.nextReqId(), distances: [0] }
  const nonce = tester.write(second, asked)
  const challenge = expectType(await tester.read(second), 'WHOAREYOU', 'for FINDNODE of a session at another IP')
  if (!challenge.nonce.equals(nonce)) throw new Nonconformity('WHOAREYOU names another nonce than FINDNODE had')
}

async function findNodeHandshake (recordText: string): Promise<void> {
  await using listener = await Listener.open(LISTEN_1)
  const tester = new Tester(recordText)
  const asked: Message = { type: 'FINDNODE', reqId: tester.nextReqId(), distances: [0] }
  const nonce = tester.write(listener, asked)
  const challenge = expectType(await tester.read(listener), 'WHOAREYOU', 'for FINDNODE without a session')
  if (!challenge.nonce.equals(nonce)) throw new Nonconformity('WHOAREYOU names another nonce than FINDNODE had')
  tester.answer(listener, challenge, asked)
  const records = await tester.collectNodes(listener, asked, nonce)
  if (records.length !== 1 || !records[0]?.nodeId.equals(tester.remote.nodeId)) throw new Nonconformity('NODES after the handshake are not the one record asked for')
}

async function unsolicitedNodes (recordText: string): Promise<void> {
  await using listener = await Listener.open(LISTEN_1)
  const tester = new Tester(recordText)
  const request = tester.ping()
  checkPong(await tester.request(listener, request), request, listener)

  const injected = newIdentity()
  tester.write(listener, { type: 'NODES', reqId: tester.nextReqId(), total: 1, records: [makeRecord(injected, { ip: LISTEN_2, udp: 30303 })] })
  const silence = await tester.read(listener)
  if (silence.type !== 'TIMEOUT') throw new Nonconformity(`NODES that nobody asked for were answered with ${describe(silence)}`)
  const records = await tester.findNode(listener, [logDistance(injected.nodeId, tester.remote.nodeId)])
  if (records.some(({ nodeId }) => nodeId.equals(injected.nodeId))) throw new Nonconformity('a record from NODES that nobody asked for is told to others')
}

function checkPong (got: Received, request: Message, { ip, port }: Listener): void {
  const pong = expectType(got, 'PONG', 'for PING')
  checkReqId(pong.reqId, request.reqId)
  if (pong.ip !== ip || pong.port !== port) throw new Nonconformity(`PONG says ${pong.ip}:${pong.port}, we are at ${ip}:${port}`)
}

function checkReqId (got: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(got, expected) !== 0) throw new Nonconformity(`request ID ${Buffer.from(got).toString('hex')} instead of ${Buffer.from(expected).toString('hex')}`)
}

function expectType<T extends Received['type']> (got: Received, type: T, where: string): Extract<Received, { readonly type: T }> {
  if (got.type !== type) throw new Nonconformity(`expected ${type} ${where}, got ${describe(got)}`)
  return got as Extract<Received, { readonly type: T }>
}
