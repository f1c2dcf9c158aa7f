import { AbstractStream } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import { FrameSplitter } from '../../../src/kad/rpc/frames.ts'
import { encodeReply, type Reply } from '../../../src/kad/rpc/message.ts'
import { toLibp2pLogger } from '../../../src/kad/transport/libp2p-logger.ts'
import { silentLog } from '../fixtures.ts'

/** One end of a libp2p stream, with libp2p's own buffers and states; the test is the transport and the peer behind it. */
export class FakeStream extends AbstractStream {
  /** What went to the peer, frame by frame. */
  readonly sent: Uint8Array[] = []
  readonly #sentFrames = new FrameSplitter()
  resetWith: Error | undefined
  /** While true the transport asks to wait after each write. */
  isFull = false

  constructor (direction: 'inbound' | 'outbound' = 'inbound') {
    super({ id: '1', direction, log: toLibp2pLogger(silentLog).forComponent('fake-stream') })
  }

  /** Bytes from the peer. */
  receive (...chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.onData(chunk)
  }

  receiveMessage (message: Reply): void { this.receive(encodeReply(message)) }
  closeRemote (): void { this.onRemoteCloseWrite() }
  resetRemote (): void { this.onRemoteReset() }

  drain (): void {
    this.isFull = false
    this.safeDispatchEvent('drain')
  }

  override sendData (data: Uint8ArrayList): { sentBytes: number, canSendMore: boolean } {
    const bytes = Uint8Array.from(data.subarray())
    this.sent.push(...this.#sentFrames.push(bytes))
    return { sentBytes: bytes.byteLength, canSendMore: !this.isFull }
  }

  override sendReset (err: Error): void { this.resetWith = err }
  override sendPause (): void {}
  override sendResume (): void {}
  override async sendCloseWrite (): Promise<void> {}
  override async sendCloseRead (): Promise<void> {}
}
