/** The level of an event says who should look: nobody now (info), somebody soon (warn), somebody now (error), the supervisor (fatal). */
export type EventLevel = 'fatal' | 'error' | 'warn' | 'info'

interface EventKind {
  readonly level: EventLevel
  /** What happened, in one line. */
  readonly when: string
  /** What the line says beside what every line may: nothing else is written. */
  readonly fields: readonly string[]
}

/** Fields that the line of any event may have, and what they are. */
export const COMMON_FIELDS = {
  ts: 'When, RFC 3339 in UTC.',
  level: '`fatal`, `error`, `warn`, `info`; `debug` and `trace` when they are asked for, without an event.',
  service: 'Which program: `svc-dht`, or one daemon of a development overlay.',
  pid: 'Its process.',
  component: 'Which part of it.',
  event: 'One of those below.',
  msg: 'The same for people; may change.',
  trace_id: 'The trace that was taken of the request.',
  request_id: 'The request, as its `X-Request-Id` and its error say.',
  err: 'What was thrown: `type`, `message` with its causes, `code`, `reason`, `stack`. Nothing else of it.',
} as const

/** Every event at level info and above. A log call with another one, at another level or with other fields does not compile. */
export const EVENTS = {
  started: { level: 'info', when: 'The daemon serves.', fields: ['version', 'git_sha', 'peer_id', 'addresses', 'public', 'ops', 'admin', 'admin_url'] },
  stopping: { level: 'info', when: 'A signal asked the daemon to stop; it drains.', fields: ['signal'] },
  config_drift: { level: 'warn', when: 'At the start, settings had been given values that do not hold: governance agreed on others.', fields: ['settings'] },
  fault: { level: 'fatal', when: 'A fault of the program: the daemon ends with 70.', fields: ['origin'] },
  identity_ephemeral: { level: 'warn', when: 'A macronode has no key file, so its peer ID is new at every start.', fields: [] },
  service_manager_failed: { level: 'warn', when: 'systemd could not be told how the daemon is.', fields: [] },
  collector_failed: { level: 'warn', when: 'The collector of traces began not to take spans; said once until it takes some.', fields: [] },
  library: { level: 'warn', when: 'A library wrote a line of its own, at any level from info on.', fields: [] },

  listening: { level: 'info', when: 'A listener of HTTP accepts connections.', fields: ['surface', 'address'] },
  requests_cut_off: { level: 'warn', when: 'Requests were still in flight after the drain timeout.', fields: ['surface', 'drain_ms'] },
  request: { level: 'info', when: 'A request ended: each one of the admin API that came with a good capability, and of the others a few a second, with `untold` for how many were left out before; of the public one only those that a fault of ours ended.', fields: ['surface', 'method', 'route', 'status', 'latency_ms', 'principal', 'reason', 'untold'] },
  request_failed: { level: 'error', when: 'A fault of ours ended a request.', fields: [] },
  request_refused: { level: 'info', when: 'A request was refused because something behind it failed.', fields: [] },
  answer_ended: { level: 'info', when: 'An answer that goes on was ended, for its capability is not good any more.', fields: ['reason'] },
  lookup_broke_off: { level: 'warn', when: 'A lookup of the admin API failed in the middle of its answer.', fields: [] },
  certificates_reloaded: { level: 'info', when: 'New certificates are in use.', fields: ['file'] },
  certificates_refused: { level: 'error', when: 'New certificates cannot be used: those in force stay.', fields: [] },
  owner_capability_written: { level: 'info', when: 'A capability of the owner was made, at the first start or when none that can mint was left; `file` holds it, for this user alone.', fields: ['file'] },
  owner_capability_failed: { level: 'error', when: 'No capability of the owner could be made, so nobody can use the admin API.', fields: [] },
  offline_capability_entered: { level: 'info', when: 'A capability that was minted while the daemon was stopped is in force.', fields: ['capability'] },
  offline_capability_refused: { level: 'warn', when: 'A capability that was minted while the daemon was stopped is not in force; `err` says why.', fields: ['capability'] },
  last_uses_failed: { level: 'warn', when: 'When capabilities were used last cannot be read or written: it is told from this start on.', fields: [] },
  status_figures_failed: { level: 'error', when: 'The status page could not read its figures.', fields: [] },

  quic_unavailable: { level: 'warn', when: 'The native package of QUIC is missing: its listen addresses are skipped.', fields: [] },
  rpc_failed: { level: 'error', when: 'A fault of ours ended a Kademlia request.', fields: ['type', 'peer'] },
  peers_removed: { level: 'info', when: 'Peers were removed with all they had here.', fields: ['connections', 'records', 'values', 'listed'] },
  removed_peers_remembered: { level: 'warn', when: 'Peers that were removed may still be remembered on disk.', fields: [] },
  routing_view_failed: { level: 'warn', when: 'What the server knows of the routing table could not follow it.', fields: [] },
  announcements_skipped: { level: 'warn', when: 'After a restart there were more keys to announce than allowed.', fields: ['keys'] },
  announcement_failed: { level: 'warn', when: 'An announcement could not be repeated; it is tried again.', fields: [] },
  announcing_failed: { level: 'error', when: 'Repeating the announcements failed as a whole.', fields: [] },
  records_replayed: { level: 'info', when: 'The provider records were read back from disk.', fields: ['records', 'expired', 'seconds'] },
  records_not_saved: { level: 'error', when: 'The disk does not take provider records; they are served from memory.', fields: ['fault'] },
  records_saved_again: { level: 'info', when: 'The disk takes provider records again.', fields: [] },
  records_left_unsaved: { level: 'error', when: 'The daemon stopped before all records were on disk.', fields: ['records'] },
  store_left_behind: { level: 'error', when: 'The disk did not answer within the drain timeout.', fields: ['drain_ms'] },
  plane_failed: { level: 'warn', when: 'A discovery plane failed during a lookup.', fields: ['kind', 'key'] },

  discv5_listening: { level: 'info', when: 'The discv5 node is on the network.', fields: ['record', 'listening', 'secp256k1', 'receive_buffer_bytes'] },
  discv5_buffer_small: { level: 'warn', when: 'The kernel grants the discv5 socket a smaller receive buffer than it asks for: bursts of packets will be lost.', fields: ['asked_bytes', 'granted_bytes', 'sysctl'] },
  discv5_engine_limited: { level: 'warn', when: 'The engine that is set lacks protection of the native one.', fields: ['lacks'] },
  discv5_address_learned: { level: 'info', when: 'Other nodes agree on where this one is reached.', fields: ['record'] },
  discv5_table_not_saved: { level: 'warn', when: 'The table of nodes could not be saved.', fields: [] },
  talk_handler_failed: { level: 'warn', when: 'A fault of ours ended a TALKREQ.', fields: ['protocol'] },
  discovery_listener_failed: { level: 'error', when: 'Who listens to discovered records failed.', fields: [] },

  audit_tail_cut: { level: 'warn', when: 'The end of an append that was never acknowledged was cut off the audit log.', fields: ['bytes', 'size'] },
  audit_refuses_writes: { level: 'error', when: 'The audit log is not as it was left, or cannot be written: it takes no entries.', fields: ['fault'] },
  audit_keys_unvouched: { level: 'warn', when: 'The keys of the audit log changed, and those before are not here to vouch for the new ones.', fields: [] },
  audit_patrol_failed: { level: 'warn', when: 'The audit log on disk could not be read to verify it again; the next pass tries.', fields: [] },
  witness_contradicts: { level: 'error', when: 'A witness knows a log that is longer than ours, or another one.', fields: ['witness', 'outcome'] },
  witness_failed: { level: 'warn', when: 'A witness did not cosign.', fields: ['witness', 'outcome'] },
  witness_policy_reloaded: { level: 'info', when: 'The witnesses of the trust policy as its file is now are asked to cosign.', fields: [] },
  witness_policy_refused: { level: 'error', when: 'The trust policy was read again and cannot be used, and why: the one in force stays.', fields: ['mistakes'] },
  witness_policy_foreign: { level: 'warn', when: 'The trust policy lists logs, and this one is not among them.', fields: ['policy', 'keys'] },
  checkpoint_failed: { level: 'error', when: 'The last checkpoint of the audit log could not be written.', fields: [] },

  governance_loaded: { level: 'info', when: 'What governance decided is known again.', fields: ['inputs', 'epoch', 'fault'] },
  governance_untrusted: { level: 'error', when: 'What governance keeps is not trusted: the last safe state holds and writes are denied.', fields: ['fault'] },
  governance_delayed: { level: 'warn', when: 'Governance could not do all that is due; it tries again.', fields: [] },
  change_delayed: { level: 'error', when: 'An agreed change could not be put in force; it is tried again.', fields: ['changed'] },
  canary_verdict: { level: 'info', when: 'A canary has a verdict.', fields: ['proposal_id', 'verdict', 'why'] },
  refusal_not_recorded: { level: 'warn', when: 'A refusal could not be kept in the audit log.', fields: [] },
  snapshot_failed: { level: 'error', when: 'The snapshot of governance could not be written; the log holds all of it.', fields: [] },
} as const satisfies Readonly<Record<string, EventKind>>

export type EventName = keyof typeof EVENTS

/** A line of an event: its name, and of its fields those that are known. */
type LineOf<E extends EventName> = E extends EventName ? { readonly event: E, readonly err?: unknown } & { readonly [F in (typeof EVENTS)[E]['fields'][number]]?: unknown } : never

/** What may be logged at a level. */
export type LineAt<L extends EventLevel> = LineOf<{ [E in EventName]: (typeof EVENTS)[E]['level'] extends L ? E : never }[EventName]>
