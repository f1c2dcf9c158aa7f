import { toMapKey } from '../../../core/map-key.ts'
import { Rows } from './columns.ts'

/** What the records of one provider share. */
export interface HeldPeer {
  readonly row: number
  /** Binary peer ID. */
  readonly id: Uint8Array
  /** One list a peer, its latest: a list for each record could fill the memory. */
  addrs: readonly Uint8Array[]
  records: number
}

/** Providers by number. A provider is here as long as it has a record. */
export class PeerTable {
  readonly #rows = new Rows()
  /** Bounded by the records: each peer has one. */
  readonly #byId = new Map<string, HeldPeer>()
  readonly #byRow: Array<HeldPeer | undefined> = []
  #sizeBytes = 0

  /** What peer IDs and addresses take. */
  get sizeBytes (): number { return this.#rows.sizeBytes + this.#sizeBytes }
  /** Behind the last row that was ever used. */
  get end (): number { return this.#rows.end }

  find (id: Uint8Array): HeldPeer | undefined { return this.#byId.get(toMapKey(id)) }

  at (row: number): HeldPeer { return this.#byRow[row] as HeldPeer }

  /** The peer of a row that may be free. */
  ifAny (row: number): HeldPeer | undefined { return this.#byRow[row] }

  /** The peer, a new one when it was not here, with these addresses from now on. */
  findOrAdd (id: Uint8Array, addrs: readonly Uint8Array[]): HeldPeer {
    const name = toMapKey(id)
    const known = this.#byId.get(name)
    if (known !== undefined) {
      if (!isSameList(known.addrs, addrs)) {
        this.#sizeBytes -= sizeOf(known)
        known.addrs = copyList(addrs)
        this.#sizeBytes += sizeOf(known)
      }
      return known
    }
    const peer: HeldPeer = { row: this.#rows.take(), id: Uint8Array.from(id), addrs: copyList(addrs), records: 0 }
    this.#byId.set(name, peer)
    this.#byRow[peer.row] = peer
    this.#sizeBytes += sizeOf(peer)
    return peer
  }

  delete (peer: HeldPeer): void {
    this.#byId.delete(toMapKey(peer.id))
    this.#byRow[peer.row] = undefined
    this.#sizeBytes -= sizeOf(peer)
    this.#rows.giveBack(peer.row)
  }
}

function sizeOf ({ id, addrs }: HeldPeer): number {
  return addrs.reduce((sum, { byteLength }) => sum + byteLength, id.byteLength)
}

/** Copies into one buffer: what comes in are views of a whole network message, which they would keep alive. */
function copyList (list: readonly Uint8Array[]): Uint8Array[] {
  const copy = Uint8Array.from(Buffer.concat(list))
  let end = 0
  return list.map(({ byteLength }) => {
    end += byteLength
    return copy.subarray(end - byteLength, end)
  })
}

function isSameList (a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a === b || (a.length === b.length && a.every((bytes, index) => Buffer.compare(bytes, b[index] as Uint8Array) === 0))
}
