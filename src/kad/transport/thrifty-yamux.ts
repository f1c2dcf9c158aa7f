import { yamux } from '@chainsafe/libp2p-yamux'
import type { MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'

/**
 * Yamux that opens the receive window again when half of it is used. By itself it sends an update, sealed and framed like any
 * other, after every frame that carries data (hashicorp/yamux, the specification's reference, waits for half the window too).
 */
export function thriftyYamux (): () => StreamMuxerFactory {
  const create = yamux()
  return () => {
    const factory = create()
    return {
      protocol: factory.protocol,
      createStreamMuxer: connection => saveUpdates(factory.createStreamMuxer(connection)),
    }
  }
}

/** The members of a yamux muxer and stream that the interfaces leave out. */
interface YamuxMuxer extends StreamMuxer { _newStream? (...args: unknown[]): YamuxStream }
interface YamuxStream extends MessageStream {
  readonly state: number
  readonly recvWindow: number
  readonly recvWindowCapacity: number
  sendWindowUpdate (): void
}

/** The first frame of a stream that we open is a window update with SYN: it must go out. */
const STATE_INIT = 0

function saveUpdates (muxer: StreamMuxer): StreamMuxer {
  const { _newStream: newStream } = muxer as YamuxMuxer
  if (newStream === undefined) return muxer; // another version makes them elsewhere: slower, and still right
  (muxer as YamuxMuxer)._newStream = (...args) => {
    const stream = newStream.apply(muxer, args)
    const sendWindowUpdate = stream.sendWindowUpdate.bind(stream)
    stream.sendWindowUpdate = () => {
      // An ACK that waits for us rides on the first data we send, which is the protocol negotiation.
      if (stream.state === STATE_INIT || stream.recvWindowCapacity <= stream.recvWindow / 2) sendWindowUpdate()
    }
    return stream
  }
  return muxer
}
