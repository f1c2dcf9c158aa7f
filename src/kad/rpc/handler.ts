import type { MessageType, Reply, Request } from './message.ts'

/** Who sent a request, worked out once for each stream. */
export interface Sender {
  /** Peer ID as text, and in binary. Noise has proven it. */
  readonly id: string
  readonly bytes: Uint8Array
  /** Undefined for a transport without one. */
  readonly ip?: string | undefined
  /** The IP prefix that shares its budgets, undefined for loopback. */
  readonly prefix: string | undefined
}

/**
 * Answers one kind of message. Returns nothing where the protocol has no reply.
 * @throws {DhtError} to refuse: the stream is reset, which is all that the protocol can say, and the reason is counted
 */
export type RpcHandler = (request: Request, sender: Sender) => Reply | undefined | Promise<Reply>

export type RpcHandlers = Readonly<Record<MessageType, RpcHandler>>
