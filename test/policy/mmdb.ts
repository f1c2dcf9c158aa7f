/** What a test puts in a database. */
type Value = string | number | readonly string[] | { readonly [name: string]: Value }

/** A MaxMind DB file (specification 2.0) of IPv4 prefixes: record size 24, an IPv6 tree with IPv4 under ::/96. */
export function encodeMmdb (type: string, entries: ReadonlyArray<{ readonly prefix: string, readonly record: Value }>): Buffer {
  const nodes: Array<[Child, Child]> = [[undefined, undefined]]
  const data: Buffer[] = []
  let dataSize = 0
  for (const { prefix, record } of entries) {
    const bytes = encodeValue(record)
    insert(nodes, bitsOf(prefix), { offset: dataSize })
    data.push(bytes)
    dataSize += bytes.byteLength
  }
  const pointer = (child: Child): number => child === undefined ? nodes.length : typeof child === 'number' ? child : nodes.length + 16 + child.offset
  const tree = Buffer.concat(nodes.flatMap(pair => pair.map(child => {
    const bytes = Buffer.alloc(3)
    bytes.writeUIntBE(pointer(child), 0, 3)
    return bytes
  })))
  const metadata = encodeValue({
    node_count: nodes.length,
    record_size: 24,
    ip_version: 6,
    database_type: type,
    languages: ['en'],
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_767_225_600,
    description: { en: 'made by a test' },
  })
  return Buffer.concat([tree, Buffer.alloc(16), ...data, Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'), metadata])
}

type Child = number | { readonly offset: number } | undefined

function insert (nodes: Array<[Child, Child]>, bits: readonly (0 | 1)[], leaf: { readonly offset: number }): void {
  let at = 0
  for (const [index, bit] of bits.entries()) {
    const node = nodes[at] as [Child, Child]
    if (index === bits.length - 1) {
      node[bit] = leaf
      return
    }
    const next = node[bit]
    if (typeof next === 'number') at = next
    else {
      node[bit] = nodes.length
      at = nodes.length
      nodes.push([undefined, undefined])
    }
  }
}

function bitsOf (prefix: string): (0 | 1)[] {
  const [address = '', length = '32'] = prefix.split('/')
  const bits = address.split('.').flatMap(octet => [...Number(octet).toString(2).padStart(8, '0')].map(bit => bit === '1' ? 1 : 0))
  return [...new Array<0>(96).fill(0), ...bits.slice(0, Number(length))]
}

function encodeValue (value: Value): Buffer {
  if (typeof value === 'string') return Buffer.concat([control(2, Buffer.byteLength(value)), Buffer.from(value)])
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return Buffer.concat([control(6, 4), bytes])
  }
  if (Array.isArray(value)) return Buffer.concat([control(11, value.length), ...value.map(encodeValue)])
  const fields = Object.entries(value as Readonly<Record<string, Value>>)
  return Buffer.concat([control(7, fields.length), ...fields.flatMap(([name, field]) => [encodeValue(name), encodeValue(field)])])
}

/** Sizes below 29 only, or 29 to 284 in one more byte. */
function control (type: number, size: number): Buffer {
  const small = Math.min(size, 29)
  const head = type < 8 ? [(type << 5) | small] : [small, type - 7]
  return Buffer.from(size < 29 ? head : [...head, size - 29])
}
