import { makeChainsafe } from '../engines.ts'
import { holdToPort } from '../suite.ts'

const ZERO = { because: 'its RLP reader throws at the number zero, so that a message with an ENR sequence number of 0 is dropped' }
const REQUEST_ID = { because: 'it drops leading zeros of request IDs, and requests with an empty one' }

/** What `@chainsafe/discv5` 11.0.0 with `@chainsafe/enr` 5.0.0 does not do. */
const KNOWN_FAILURES = {
  'a node that never answered is not told to others': { because: 'it passes on every record in its table' },
  'a lookup of a node that only one of ten knows finds it, and puts it first': { because: 'its lookup sorts with a comparator that is always -1', isNowAndThen: true },
  'a ban silences an address until it is lifted': { because: 'it has no bans' },
  Ping: ZERO,
  PingMultiIP: ZERO,
  HandshakeResend: { because: 'it answers nothing while a challenge is pending' },
  TalkRequest: REQUEST_ID,
  FindnodeZeroDistance: REQUEST_ID,
  FindnodeResults: { because: 'it pings nodes every five minutes, and reads no PING with an ENR sequence number of 0' },
  FindnodeWrongIP: ZERO,
  FindnodeHandshake: REQUEST_ID,
  UnsolicitedNodes: ZERO,
} as const

holdToPort('chainsafe', makeChainsafe, KNOWN_FAILURES)
