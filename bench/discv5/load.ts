import { createCipheriv, randomBytes } from 'node:crypto'
import { nodeIdOf } from '../../src/discv5/enr/record.ts'
import { loadSecp256k1 } from '../../src/discv5/secp256k1.ts'
import type { Message } from '../../test/discv5/conformance/messages.ts'
import { readRecordText, type Curve } from '../../test/discv5/conformance/record.ts'
import { Listener, Tester } from '../../test/discv5/conformance/tester.ts'

export type LoadKind = 'handshake' | 'PING' | 'FINDNODE' | 'WHOAREYOU'

interface Done { readonly requests: number, readonly seconds: number }

const secp256k1 = loadSecp256k1()

/** Half a millisecond for what takes the judge's own curve ten. */
const FAST: Curve = {
  newIdentity: () => {
    const secretKey = randomBytes(32)
    const publicKey = secp256k1.publicKey(secretKey)
    return { secretKey, publicKey, nodeId: nodeIdOf(publicKey, secp256k1) }
  },
  sign: (digest, { secretKey }) => secp256k1.sign(digest, secretKey),
  sharedPoint: (publicKey, secretKey) => secp256k1.sharedPoint(publicKey, secretKey),
}

const CLIENTS = 8
const WINDOW = 8

/** Requests for `durationMs`; what is counted is answered. Identities and sessions are made before the time begins. */
export async function prepare (kind: LoadKind, record: string): Promise<(durationMs: number) => Promise<Done>> {
  if (kind === 'handshake') return async durationMs => await handshakes(record, durationMs)
  if (kind === 'WHOAREYOU') return async durationMs => await strangers(record, durationMs)
  return async durationMs => await inSession(record, kind, durationMs)
}

async function timed (durationMs: number, work: (isOver: () => boolean) => Promise<number>): Promise<Done> {
  const begun = performance.now()
  const isOver = (): boolean => performance.now() - begun >= durationMs
  const counts = await Promise.all(Array.from({ length: CLIENTS }, async () => await work(isOver)))
  return { requests: counts.reduce((sum, count) => sum + count, 0), seconds: (performance.now() - begun) / 1000 }
}

async function handshakes (record: string, durationMs: number): Promise<Done> {
  return await timed(durationMs, async isOver => await shakeHands(record, isOver))
}

/** Makes one session after another, each of another node, and leaves them open. */
export async function openSessions (record: string, count: number): Promise<void> {
  const done = await shakeHands(record, (done, tries) => done === count || tries > 2 * count)
  if (done < count) throw new Error(`the server made ${done} sessions of ${2 * count}`)
}

/** One handshake after another until `isOver`; returns how many were answered. */
async function shakeHands (record: string, isOver: (done: number, tries: number) => boolean): Promise<number> {
  const remote = readRecordText(record)
  let done = 0
  for (let tries = 0; !isOver(done, tries);) {
    await using listener = await Listener.open('127.0.0.1') // a new one after each failure: what comes late would be taken for the next answer
    for (let isAnswered = true; isAnswered && !isOver(done, tries); tries++) {
      const tester = new Tester(remote, FAST)
      // A PING whose sequence number is not 0: the library that we compare with reads no zeros.
      const answer = await tester.request(listener, { type: 'PING', reqId: randomBytes(8), enrSeq: 1n })
      isAnswered = answer.type === 'PONG'
      if (isAnswered) done++
    }
  }
  return done
}

async function inSession (record: string, kind: 'PING' | 'FINDNODE', durationMs: number): Promise<Done> {
  const packets = kind === 'PING' ? 1 : await packetsOfAnswer(record)
  const remote = readRecordText(record)
  return await timed(durationMs, async isOver => {
    await using listener = await Listener.open('127.0.0.1')
    const tester = new Tester(remote, FAST)
    await tester.request(listener, { type: 'PING', reqId: Buffer.from([1]), enrSeq: 1n })
    const message = (): Message => kind === 'PING' ? { type: 'PING', reqId: Buffer.from([1, 2]), enrSeq: 1n } : { type: 'FINDNODE', reqId: Buffer.from([1, 2]), distances: [256, 255, 254, 253] }
    let sent = 0
    let got = 0
    while (!isOver() || got < packets) {
      while (sent - Math.floor(got / packets) < WINDOW) {
        tester.write(listener, message())
        sent++
      }
      if (await listener.next() === undefined) sent = Math.floor(got / packets) // the rest was lost
      else got++
    }
    return Math.floor(got / packets)
  })
}

/** Into how many NODES this server puts its sixteen records. */
async function packetsOfAnswer (record: string): Promise<number> {
  await using listener = await Listener.open('127.0.0.1')
  const tester = new Tester(record)
  await tester.request(listener, { type: 'PING', reqId: Buffer.from([1]), enrSeq: 1n })
  const first = await tester.request(listener, { type: 'FINDNODE', reqId: Buffer.from([1]), distances: [256, 255, 254, 253] })
  if (first.type !== 'NODES' || first.records.length === 0) throw new Error(`FINDNODE was answered with ${first.type}`)
  let records = first.records.length
  for (let i = 1; i < first.total; i++) {
    const next = await tester.read(listener)
    if (next.type === 'NODES') records += next.records.length
  }
  if (records < 15) throw new Error(`FINDNODE gave ${records} records`)
  return first.total
}

/** Packets of nodes that nobody knows, each another: the server can only ask who they are. */
async function strangers (record: string, durationMs: number): Promise<Done> {
  const { nodeId, ip = '', udp = 0 } = readRecordText(record)
  return await timed(durationMs, async isOver => {
    await using listener = await Listener.open('127.0.0.1')
    let sent = 0
    let got = 0
    while (!isOver()) {
      for (; sent - got < WINDOW; sent++) {
        const iv = randomBytes(16)
        const header = Buffer.concat([Buffer.from('discv5'), Buffer.from([0, 1, 0]), randomBytes(12), Buffer.from([0, 32]), randomBytes(32)])
        listener.send(Buffer.concat([iv, createCipheriv('aes-128-ctr', nodeId.subarray(0, 16), iv).update(header), randomBytes(20)]), { ip, port: udp })
      }
      if (await listener.next() === undefined) sent = got
      else got++
    }
    return got
  })
}
