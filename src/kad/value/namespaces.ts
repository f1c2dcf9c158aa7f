import { publicKeyFromProtobuf } from '@libp2p/crypto/keys'
import { unmarshalIPNSRecord } from 'ipns'
import { ipnsSelector } from 'ipns/selector'
import { ipnsValidator } from 'ipns/validator'
import { DhtError } from '../../core/errors.ts'
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../../core/limits.ts'

/** The rules of one kind of value. Only what is listed here is ever stored. */
interface Namespace {
  /** Throws anything when the value does not prove that it belongs to the key. */
  validate (key: Uint8Array, value: Uint8Array): Promise<void>
  /** True when `candidate` is to replace `held`; both are valid. Ties keep what is held. */
  isNewer (key: Uint8Array, candidate: Uint8Array, held: Uint8Array): boolean
  /** Until when the value says of itself that it is valid; milliseconds since the epoch. */
  validUntil (value: Uint8Array): number
}

const NAMESPACES = {
  pk: {
    async validate (key: Uint8Array, value: Uint8Array) {
      const owner = publicKeyFromProtobuf(value).toMultihash().bytes
      if (Buffer.compare(owner, key.subarray('/pk/'.length)) !== 0) throw new Error('the public key is another peer’s')
    },
    isNewer: () => false, // a key has one public key
    validUntil: () => Number.POSITIVE_INFINITY,
  },
  ipns: {
    async validate (key: Uint8Array, value: Uint8Array) {
      await ipnsValidator(key, value)
      // It reads dates more leniently than we do, and a value without an end would never leave.
      if (Number.isNaN(validUntil(value))) throw new Error('its validity is not an RFC 3339 time')
    },
    isNewer: (key: Uint8Array, candidate: Uint8Array, held: Uint8Array) => ipnsSelector(key, [held, candidate]) === 1,
    validUntil,
  },
} satisfies Record<string, Namespace>

function validUntil (value: Uint8Array): number {
  return Date.parse(unmarshalIPNSRecord(value).validity)
}

/**
 * The namespace of a value key, `/pk/<peer ID>` or `/ipns/<peer ID>`.
 * @throws {DhtError} BadRequest for any other key, as for one over 80 bytes
 */
export function parseValueKey (key: Uint8Array): Namespace {
  const name = /^\/(pk|ipns)\//.exec(Buffer.from(key.subarray(0, 8)).toString('latin1'))?.[1]
  if (name === undefined || key.byteLength > MAX_KEY_BYTES) {
    throw new DhtError('BadRequest', 'Values are kept under /pk/ and /ipns/ only.', { reason: 'key' })
  }
  return NAMESPACES[name as keyof typeof NAMESPACES]
}

/**
 * Checks that a value belongs to its key and is valid now.
 * @throws {DhtError} BadRequest with reason `record`
 */
export async function assertValidValue (key: Uint8Array, value: Uint8Array): Promise<Namespace> {
  const namespace = parseValueKey(key)
  if (value.byteLength > MAX_VALUE_BYTES) throw new DhtError('BadRequest', `A value has at most ${MAX_VALUE_BYTES} bytes.`, { reason: 'record' })
  try {
    await namespace.validate(key, value)
  } catch (cause) {
    throw new DhtError('BadRequest', 'The value is not valid for its key.', { cause, reason: 'record' })
  }
  return namespace
}
