import { decodeRecordText, type Enr } from '../../../discv5/enr/record.ts'
import { ipText } from '../../../discv5/ip.ts'
import { Malformed } from '../../../discv5/malformed.ts'
import { loadSecp256k1 } from '../../../discv5/secp256k1.ts'
import { usageFailure } from '../../failure.ts'

/** One line of `--json`. */
export type NodeShown =
  | {
    readonly valid: true
    readonly node_id: string
    readonly seq: string
    /** Compressed, in hex. */
    readonly public_key: string
    readonly size_bytes: number
    readonly addresses: readonly Address[]
    /** Every pair of the record, the value's bytes in hex. */
    readonly pairs: Readonly<Record<string, string>>
  }
  | { readonly valid: false, readonly fault: string, readonly message: string }

export interface Address { readonly transport: 'udp' | 'tcp' | 'quic', readonly ip: string, readonly port: number }

const TRANSPORTS = ['udp', 'tcp', 'quic'] as const

/** What a record says, with its signature checked; or what is wrong with it. No daemon is asked. */
export function showNode (text: string): NodeShown {
  try {
    const record = decode(text)
    return {
      valid: true,
      node_id: record.nodeId,
      seq: String(record.seq),
      public_key: record.publicKey.toString('hex'),
      size_bytes: record.bytes.length,
      addresses: addressesOf(record),
      pairs: Object.fromEntries([...record.pairs].map(([key, value]) => [key, Buffer.from(value).toString('hex')])),
    }
  } catch (err) {
    if (err instanceof Malformed) return { valid: false, fault: err.reason, message: err.message }
    throw err
  }
}

/** The node ID that is meant: it itself, or that of a record. @throws {Failure} usage */
export function nodeIdOf (text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase()
  const node = showNode(text)
  if (!node.valid) throw usageFailure(`Neither a node ID nor a record: ${node.message}.`, 'Give 64 hex digits, or enr:….')
  return node.node_id
}

function decode (text: string): Enr {
  return decodeRecordText(text.trim(), loadSecp256k1())
}

/** A record without a port for IPv6 means the port of IPv4 there too, for discv5 alone. */
function addressesOf (record: Enr): Address[] {
  return (['ip', 'ip6'] as const).flatMap(family => {
    const bytes = record.pairs.get(family)
    if (bytes === undefined) return []
    return TRANSPORTS.flatMap(transport => {
      const own = family === 'ip' ? record.port(transport) : record.port(`${transport}6`)
      const port = own === 0 && transport === 'udp' ? record.port('udp') : own
      return port === 0 ? [] : [{ transport, ip: ipText(bytes), port }]
    })
  })
}
