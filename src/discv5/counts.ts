import { MEETING_PLACES, type MeetingPlace } from './members/membership.ts'

/** What happens to packets and calls; the labels of `svc_dht_discv5_events_total`. */
const EVENTS = [
  'in_message', 'in_whoareyou', 'in_handshake', 'out_message', 'out_whoareyou', 'out_handshake', 'session_new', 'send_failed',
  'call_ok', 'call_timeout', 'call_retry', 'talk_unknown', 'table_added', 'table_removed', 'address_changed', 'auto_ban', 'auto_ban_cut_short',
] as const

/** Why something was dropped; the labels of `svc_dht_discv5_dropped_total`. */
const DROPS = [
  'size', 'header', 'authdata', 'rlp', 'message', 'request_id', 'record', 'signature', 'key', 'internal',
  'banned', 'limit_total', 'limit_ip', 'limit_subnet', 'limit_node', 'limit_ids', 'limit_whoareyou', 'limit_handshake', 'limit_queue', 'limit_talk', 'limit_topic',
  'no_challenge', 'bad_proof', 'decrypt', 'no_call', 'wrong_endpoint', 'wrong_distance', 'topic', 'table_address', 'table_subnet', 'member',
] as const

/** What is asked of this node about topics, and what came of what it asks; the labels of `svc_dht_discv5_topics_total`. */
const TOPIC_EVENTS = [
  'admitted', 'renewed', 'again', 'waiting', 'refused_record', 'refused_address', 'ticket_early', 'ticket_late', 'ticket_invalid', 'query', 'query_empty',
  'asked', 'ask_failed', 'placed', 'placement_failed',
] as const

export type EventName = typeof EVENTS[number]
export type DropName = typeof DROPS[number]
export type TopicEventName = typeof TOPIC_EVENTS[number]

/** Plain numbers on the packet path; metrics read them when they are asked. */
export class Counts {
  readonly events = Object.fromEntries(EVENTS.map(name => [name, 0])) as Record<EventName, number>
  readonly drops = Object.fromEntries(DROPS.map(name => [name, 0])) as Record<DropName, number>
  readonly topics = Object.fromEntries(TOPIC_EVENTS.map(name => [name, 0])) as Record<TopicEventName, number>
  /** Nodes outside the member list, by whether they were refused and by where they were met. */
  readonly outsiders = { refused: places(), observed: places() }
}

function places (): Record<MeetingPlace, number> {
  return Object.fromEntries(MEETING_PLACES.map(place => [place, 0])) as Record<MeetingPlace, number>
}
