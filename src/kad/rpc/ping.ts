import type { RpcHandler } from './handler.ts'

/** PING: the request comes back, without peer entries that somebody may have put into it. */
export const answerPing: RpcHandler = ({ type, key, clusterLevel }) => ({ type, key, clusterLevel })
