import { asBytes, asList, decodeRlp, encodeRlp, toUint, uint, type Rlp } from './rlp.ts'

export type Message =
  | { readonly type: 'PING', readonly reqId: Uint8Array, readonly enrSeq: bigint }
  | { readonly type: 'PONG', readonly reqId: Uint8Array, readonly enrSeq: bigint, readonly ip: string, readonly port: number }
  | { readonly type: 'FINDNODE', readonly reqId: Uint8Array, readonly distances: readonly number[] }
  | { readonly type: 'NODES', readonly reqId: Uint8Array, readonly total: number, readonly records: readonly Uint8Array[] }
  | { readonly type: 'TALKREQ', readonly reqId: Uint8Array, readonly protocol: string, readonly request: Uint8Array }
  | { readonly type: 'TALKRESP', readonly reqId: Uint8Array, readonly response: Uint8Array }

const TYPES = ['', 'PING', 'PONG', 'FINDNODE', 'NODES', 'TALKREQ', 'TALKRESP'] as const

export function encodeMessage (message: Message): Buffer {
  return Buffer.concat([Buffer.from([TYPES.indexOf(message.type)]), encodeRlp([message.reqId, ...fieldsOf(message)])])
}

function fieldsOf (message: Message): Rlp[] {
  switch (message.type) {
    case 'PING': return [uint(message.enrSeq)]
    case 'PONG': return [uint(message.enrSeq), Buffer.from(message.ip.split('.').map(Number)), uint(message.port)]
    case 'FINDNODE': return [message.distances.map(uint)]
    case 'NODES': return [uint(message.total), message.records.map(decodeRlp)]
    case 'TALKREQ': return [Buffer.from(message.protocol), message.request]
    case 'TALKRESP': return [message.response]
  }
}

/** @throws {Error} for what is no message */
export function decodeMessage (bytes: Uint8Array): Message {
  const [first, second, third, fourth] = asList(decodeRlp(bytes.subarray(1)))
  const reqId = asBytes(first)
  const type = TYPES[bytes[0] ?? 0] ?? ''
  switch (type) {
    case 'PING': return { type, reqId, enrSeq: toUint(second) }
    case 'PONG': return { type, reqId, enrSeq: toUint(second), ip: [...asBytes(third)].join('.'), port: Number(toUint(fourth)) }
    case 'FINDNODE': return { type, reqId, distances: asList(second).map(item => Number(toUint(item))) }
    case 'NODES': return { type, reqId, total: Number(toUint(second)), records: asList(third).map(encodeRlp) }
    case 'TALKREQ': return { type, reqId, protocol: Buffer.from(asBytes(second)).toString(), request: asBytes(third) }
    case 'TALKRESP': return { type, reqId, response: asBytes(second) }
    case '': throw new Error(`message type ${bytes[0]}`)
  }
}
