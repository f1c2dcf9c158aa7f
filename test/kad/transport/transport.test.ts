import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Libp2p, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { createHash, randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { corkedTcp } from '../../../src/kad/transport/corked-tcp.ts'
import { thriftyYamux } from '../../../src/kad/transport/thrifty-yamux.ts'

const PROTOCOL = '/test/echo/1.0.0'
/** Thirty times the receive window that yamux starts with. */
const LARGE_BYTES = 8 * 1024 * 1024

async function startHost (t: Test, kind: 'ours' | 'stock'): Promise<Libp2p> {
  const host = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [kind === 'ours' ? corkedTcp() : tcp()],
    streamMuxers: [kind === 'ours' ? thriftyYamux() : yamux()],
    connectionEncrypters: [noise()],
  })
  t.teardown(async () => { await host.stop() })
  await host.handle(PROTOCOL, async stream => { await answerWithDigest(stream) })
  return host
}

/** Reads until the other end is done, then says what the digest of it all was, and sends as much back. */
async function answerWithDigest (stream: Stream): Promise<void> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  for await (const chunk of stream) {
    hash.update(chunk.subarray())
    sizeBytes += chunk.byteLength
  }
  await sendAll(stream, Buffer.concat([hash.digest(), Buffer.alloc(sizeBytes, 7)]))
  await stream.close()
}

async function sendAll (stream: Stream, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength; at += 65_536) {
    if (!stream.send(bytes.subarray(at, at + 65_536))) await stream.onDrain()
  }
}

for (const [dialer, listener] of [['ours', 'stock'], ['stock', 'ours'], ['ours', 'ours']] as const) {
  t.test(`${LARGE_BYTES} bytes go whole from ${dialer} to ${listener} and back, through a window of 256 KiB`, async t => {
    const [from, to] = [await startHost(t, dialer), await startHost(t, listener)]
    const stream = await from.dialProtocol(to.getMultiaddrs(), PROTOCOL)
    const payload = randomBytes(LARGE_BYTES)
    const received = readAll(stream)
    await sendAll(stream, payload)
    await stream.close()
    const answer = await received
    t.same(answer.subarray(0, 32), createHash('sha256').update(payload).digest())
    t.equal(answer.byteLength, 32 + LARGE_BYTES)
  })
}

async function readAll (stream: Stream): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk.subarray())
  return Buffer.concat(chunks)
}
