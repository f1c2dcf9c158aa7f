import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** What a ticket says; times are the registrar's own. */
export interface Ticket {
  /** When this attempt began. */
  readonly startedAt: number
  /** When this ticket was made. */
  readonly issuedAt: number
  /** What its holder was told to wait. */
  readonly waitMs: number
}

/** Whom and what a ticket is for. */
export interface TicketOwner {
  readonly advertiserId: Uint8Array
  readonly adDigest: Uint8Array
}

const VERSION = 1
const TIME_BYTES = 6
const WAIT_BYTES = 4
const BODY_BYTES = 1 + 2 * TIME_BYTES + WAIT_BYTES
const MAC_BYTES = 16
/** Of our tickets. */
export const TICKET_BYTES = BODY_BYTES + MAC_BYTES
const DOMAIN = Buffer.from('svc-dht topic ticket v1')

/** discv5 theory, § Advertisements: SHA-256 over topic and record, whose own bytes say where they end. */
export function adDigest (topic: Uint8Array, record: Uint8Array): Buffer {
  return createHash('sha256').update(topic).update(record).digest()
}

/** Makes and opens the tickets of one registrar. They carry no name or digest: the MAC is over those too, so a ticket is of use for nothing else. */
export class Tickets {
  readonly #key: Uint8Array
  readonly #registrarId: Uint8Array

  /** `key` is 32 random bytes that nobody else has. */
  constructor (key: Uint8Array, registrarId: Uint8Array) {
    this.#key = key
    this.#registrarId = registrarId
  }

  seal ({ startedAt, issuedAt, waitMs }: Ticket, owner: TicketOwner): Buffer {
    const ticket = Buffer.alloc(TICKET_BYTES)
    ticket[0] = VERSION
    ticket.writeUIntBE(startedAt, 1, TIME_BYTES)
    ticket.writeUIntBE(issuedAt, 1 + TIME_BYTES, TIME_BYTES)
    ticket.writeUInt32BE(waitMs, 1 + 2 * TIME_BYTES)
    this.#mac(ticket.subarray(0, BODY_BYTES), owner).copy(ticket, BODY_BYTES)
    return ticket
  }

  /** Undefined for what this registrar did not issue to this advertiser for this advertisement. */
  open (ticket: Uint8Array, owner: TicketOwner): Ticket | undefined {
    if (ticket.length !== TICKET_BYTES || ticket[0] !== VERSION) return undefined
    const bytes = Buffer.from(ticket)
    if (!timingSafeEqual(this.#mac(bytes.subarray(0, BODY_BYTES), owner), bytes.subarray(BODY_BYTES))) return undefined
    return { startedAt: bytes.readUIntBE(1, TIME_BYTES), issuedAt: bytes.readUIntBE(1 + TIME_BYTES, TIME_BYTES), waitMs: bytes.readUInt32BE(1 + 2 * TIME_BYTES) }
  }

  /** Every part has one length, so that none runs into the next. */
  #mac (body: Uint8Array, { advertiserId, adDigest }: TicketOwner): Buffer {
    return createHmac('sha256', this.#key).update(DOMAIN).update(this.#registrarId).update(advertiserId).update(adDigest).update(body).digest().subarray(0, MAC_BYTES)
  }
}

/** discv5 theory, § Tickets: `tmod + twait ≤ now ≤ tmod + twait + δ`. */
export function windowOf ({ issuedAt, waitMs }: Ticket, windowMs: number, now: number): 'early' | 'open' | 'late' {
  const opens = issuedAt + waitMs
  return now < opens ? 'early' : now <= opens + windowMs ? 'open' : 'late'
}
