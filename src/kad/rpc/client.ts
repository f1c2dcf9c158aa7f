import type { PeerId, Stream } from '@libp2p/interface'
import { DhtError } from '../../core/errors.ts'
import type { Metrics } from '../../observability/metrics.ts'
import type { Host } from '../host.ts'
import { FrameSplitter } from './frames.ts'
import { decodeRequest, encodeReply, type EncodedPeer, type MessageType, type Reply } from './message.ts'

interface Options { readonly protocol: string }
interface Deps { readonly host: Pick<Host, 'dialProtocol'>, readonly metrics: Metrics['kad'] }

/** The messages this daemon sends on its own, outside lookups. Every wait ends with the caller's signal. */
export class RpcClient {
  readonly #opts: Options
  readonly #deps: Deps

  constructor (opts: Options, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
  }

  /** @throws when the peer does not answer on the overlay's protocol */
  async ping (peer: PeerId, signal: AbortSignal): Promise<void> {
    await this.#exchange(peer, [{ type: 'PING' }], signal)
  }

  /**
   * Announces ourselves as provider. The protocol has no reply, so a PING follows on the same stream: requests are answered in
   * order and a refusal resets the stream, so its answer means that the announcement was taken.
   * @throws when it was refused or the peer did not answer
   */
  async addProvider (peer: PeerId, key: Uint8Array, self: EncodedPeer, signal: AbortSignal): Promise<void> {
    await this.#counted('ADD_PROVIDER', this.#exchange(peer, [{ type: 'ADD_PROVIDER', key, providers: [self] }, { type: 'PING' }], signal))
  }

  /** @throws when the record was refused or the peer did not answer */
  async putValue (peer: PeerId, key: Uint8Array, record: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#counted('PUT_VALUE', this.#exchange(peer, [{ type: 'PUT_VALUE', key, record }], signal))
  }

  async #counted (type: MessageType, exchange: Promise<void>): Promise<void> {
    const { outboundRpc } = this.#deps.metrics
    await exchange.then(() => outboundRpc.inc({ type, outcome: 'ok' }), err => {
      outboundRpc.inc({ type, outcome: 'failed' })
      throw err
    })
  }

  /** Sends messages on a new stream and waits for the reply to the last one. */
  async #exchange (peer: PeerId, messages: readonly Reply[], signal: AbortSignal): Promise<void> {
    const stream = await this.#deps.host.dialProtocol(peer, this.#opts.protocol, { signal })
    const onAbort = (): void => stream.abort(new DhtError('Timeout', 'The peer did not answer in time.'))
    signal.addEventListener('abort', onAbort)
    try {
      const reply = readFrame(stream)
      reply.catch(() => {}) // when sending fails first, nobody waits for it
      for (const message of messages) stream.send(encodeReply(message))
      const { type } = decodeRequest(await reply)
      if (type !== messages.at(-1)?.type) throw new DhtError('Internal', 'The peer answered another question.')
      await stream.close({ signal })
    } catch (err) {
      stream.abort(err as Error)
      throw err
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }
}

/** The first frame that arrives. Rejects when the stream ends before. */
function readFrame (stream: Stream): Promise<Uint8Array> {
  const splitter = new FrameSplitter()
  return new Promise((resolve, reject) => {
    stream.addEventListener('message', ({ data }) => {
      try {
        const [frame] = splitter.push(data.subarray())
        if (frame !== undefined) resolve(frame)
      } catch (err) {
        reject(err)
      }
    })
    const end = (event: { readonly error?: Error }): void => reject(event.error ?? new DhtError('Timeout', 'The peer closed the stream without an answer.'))
    stream.addEventListener('close', end)
    stream.addEventListener('remoteCloseWrite', () => end({}))
  })
}
