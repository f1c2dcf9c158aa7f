import type { ControlAction } from '../../core/control-action.ts'
import { canonicalJson } from '../../core/digest.ts'
import { DhtError } from '../../core/errors.ts'

const ENTRY_SCHEMA = 'svc-dht/audit/1'
/** A bundle of tlog-tiles gives a length two bytes. */
const MAX_ENTRY_BYTES = 65_535

/** One entry of the log, as its canonical JSON has it. */
export interface Entry {
  readonly schema: typeof ENTRY_SCHEMA
  readonly seq: number
  /** ISO 8601 UTC, with milliseconds. */
  readonly ts: string
  readonly actor: string
  readonly capability_id: string | null
  readonly action: string
  readonly before_digest: string | null
  readonly after_digest: string | null
  readonly reason: string
  readonly proposal_id: string | null
  readonly signers: readonly string[]
  readonly op_id: string
  readonly disputed?: true
  /** What a replay needs beyond the other fields. */
  readonly event?: unknown
  /** Leaf hash of the entry before, in hex; empty for the first. */
  readonly prev: string
}

interface Place { readonly seq: number, readonly tsMs: number, readonly prev: string }

/**
 * The entry's bytes: RFC 8785 JSON.
 * @throws {DhtError} TooLarge over 65,535 bytes, BadRequest for an action that an entry cannot hold
 */
export function encodeEntry (action: ControlAction, { seq, tsMs, prev }: Place): Uint8Array {
  const entry: Entry = {
    schema: ENTRY_SCHEMA,
    seq,
    ts: new Date(tsMs).toISOString(),
    actor: action.actor,
    capability_id: action.capabilityId ?? null,
    action: action.action,
    before_digest: action.beforeDigest ?? null,
    after_digest: action.afterDigest ?? null,
    reason: action.reason,
    proposal_id: action.proposalId ?? null,
    signers: action.signers ?? [],
    op_id: action.opId,
    ...(action.disputed === true && { disputed: true }),
    ...(action.event !== undefined && { event: action.event }),
    prev,
  }
  const fault = findFault(entry)
  if (fault !== undefined) throw new DhtError('BadRequest', `The action cannot be kept in the audit log: ${fault}.`)
  let bytes: Uint8Array
  try {
    bytes = Buffer.from(canonicalJson(entry))
  } catch (cause) {
    throw new DhtError('BadRequest', 'The action cannot be kept in the audit log: it is not plain JSON.', { cause })
  }
  if (bytes.byteLength > MAX_ENTRY_BYTES) throw new DhtError('TooLarge', `The action's entry in the audit log would have ${bytes.byteLength} bytes, more than ${MAX_ENTRY_BYTES}.`)
  return bytes
}

/** @throws {Error} with the end of a sentence: what keeps the bytes from being an entry. An unknown schema is not one. */
export function parseEntry (bytes: Uint8Array): Entry {
  if (bytes.byteLength > MAX_ENTRY_BYTES) throw new Error('it is too long')
  let text: string
  let value: unknown
  try {
    text = DECODER.decode(bytes)
    value = JSON.parse(text)
  } catch (cause) {
    throw new Error('it is not JSON', { cause })
  }
  const fault = findFault(value)
  if (fault !== undefined) throw new Error(fault)
  if (canonicalJson(value) !== text) throw new Error('it is not canonical JSON')
  return value as Entry
}

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const NULLABLE = ['capability_id', 'before_digest', 'after_digest', 'proposal_id'] as const
const TEXTS = ['actor', 'action', 'reason', 'op_id'] as const
const FIELDS: ReadonlySet<string> = new Set(['schema', 'seq', 'ts', ...TEXTS, ...NULLABLE, 'signers', 'disputed', 'event', 'prev'])

function findFault (value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it is not an object'
  const entry = value as Readonly<Record<string, unknown>>
  if (entry['schema'] !== ENTRY_SCHEMA) return `its schema ${JSON.stringify(entry['schema'])} is not known to this version`
  for (const name in entry) if (!FIELDS.has(name)) return `it has an unknown field ${JSON.stringify(name)}`
  const { seq, ts, signers, prev } = entry
  if (!Number.isSafeInteger(seq) || Number(seq) < 0) return 'its seq is not a number of an entry'
  if (typeof ts !== 'string' || !isTime(ts)) return 'its ts is not a time'
  for (const name of TEXTS) if (typeof entry[name] !== 'string' || (name !== 'reason' && entry[name] === '')) return `its ${name} is not a text`
  for (const name of NULLABLE) if (entry[name] !== null && typeof entry[name] !== 'string') return `its ${name} is neither a text nor null`
  if (!Array.isArray(signers) || !signers.every(signer => typeof signer === 'string')) return 'its signers are not a list of texts'
  if ('disputed' in entry && entry['disputed'] !== true) return 'its disputed is not true'
  if (typeof prev !== 'string' || !(seq === 0 ? prev === '' : /^[0-9a-f]{64}$/.test(prev))) return 'its prev is not a leaf hash'
  return undefined
}

function isTime (text: string): boolean {
  const ms = Date.parse(text)
  return !Number.isNaN(ms) && new Date(ms).toISOString() === text
}
