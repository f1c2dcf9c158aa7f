import type { Libp2p, Stream } from '@libp2p/interface'
import { FrameSplitter } from '../../../src/kad/rpc/frames.ts'
import { encodePeer, encodeReply, type EncodedPeer, type Reply } from '../../../src/kad/rpc/message.ts'
import { until, type TestDaemon } from '../../daemon.ts'
import { openRawStream } from './stock-peer.ts'

/** What came of bytes that were sent: the reply frame, or `reset`, or `closed` without a reply. */
export type Outcome = Uint8Array | 'reset' | 'closed'

/** Sends raw bytes on a new stream, closes our end unless told otherwise, and waits for what comes of it. */
export async function sendRaw (peer: Libp2p, daemon: TestDaemon, bytes: Uint8Array, { keepOpen = false } = {}): Promise<Outcome> {
  const stream = await openRawStream(peer, daemon)
  if (stream.status !== 'open') return 'reset' // refused before it could say anything
  const outcome = outcomeOf(stream)
  stream.send(bytes)
  if (!keepOpen) await stream.close().catch(() => {}) // a reset may come first
  return await outcome
}

/** Sends a well-framed message. */
export async function sendMessage (peer: Libp2p, daemon: TestDaemon, message: Reply): Promise<Outcome> {
  return await sendRaw(peer, daemon, encodeReply(message))
}

/** The peer's own provider entry. */
export function ownEntry (peer: Libp2p): EncodedPeer {
  return encodePeer({ id: peer.peerId.toMultihash().bytes, addrs: peer.getMultiaddrs().map(({ bytes }) => bytes) })
}

/** Waits until a reason was counted so often, and says how often it was. */
export async function rejections (daemon: TestDaemon, reason: string, atLeast = 1): Promise<number> {
  const series = `rejected_total{reason="${reason}"}`
  await until(async () => await daemon.metric(series) >= atLeast, `${reason} is counted ${atLeast} times`)
  return await daemon.metric(series)
}

async function outcomeOf (stream: Stream): Promise<Outcome> {
  const splitter = new FrameSplitter()
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  stream.addEventListener('message', ({ data }) => {
    const [frame] = splitter.push(data.subarray())
    if (frame !== undefined) resolve(frame)
  })
  stream.addEventListener('close', ({ error }) => resolve(error === undefined ? 'closed' : 'reset'))
  stream.addEventListener('remoteCloseWrite', () => resolve('closed'))
  return await promise
}
