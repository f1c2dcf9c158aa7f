import type { MessageType, Request } from '../../../src/kad/rpc/message.ts'

/** A request as the codec would have read it. */
export function requestOf (type: MessageType, members: Partial<Request> = {}): Request {
  return { type, key: new Uint8Array(0), record: undefined, providers: [], clusterLevel: undefined, ...members }
}
