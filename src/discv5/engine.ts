import type { Component } from '../core/component.ts'

/**
 * What the daemon asks of a discv5 node. Two engines stand behind it; records cross as their signed bytes or as text
 * (`enr:…`), node IDs as 64 hex characters, so that no engine's classes leak.
 */
export interface Discv5Engine extends Component {
  readonly name: 'native' | 'chainsafe'
  /** Which secp256k1 is loaded, for `/version`: `secp256k1-native` or `secp256k1-noble`. */
  readonly features: readonly string[]
  /** 64 hex characters. */
  readonly nodeId: string
  /** Where the node listens now; empty before `start`. */
  listening (): readonly Endpoint[]
  /** The node's own record as it is now, signed. */
  ownRecord (): NodeRecord

  /** @throws {DhtError} Timeout when the node does not answer, BadRequest when the record has no usable address */
  ping (node: RecordLike): Promise<Pong>
  /** One FINDNODE for these log distances (0–256); only records that are valid and at one of the distances come back. @throws {DhtError} Timeout, BadRequest */
  findNode (node: RecordLike, distances: readonly number[]): Promise<NodeRecord[]>
  /** @throws {DhtError} Timeout, BadRequest, TooLarge */
  talkRequest (node: RecordLike, protocol: string, request: Uint8Array): Promise<Uint8Array>
  /** Walks towards `target` until the closest nodes seen have answered; the closest first. */
  lookup (target: string, options?: LookupOptions): Promise<LookupResult>

  /** Registers who answers TALKREQ of `protocol`; returns how to take it back. Unknown protocols get an empty reply. */
  onTalkRequest (protocol: string, handler: TalkHandler): () => void
  /** Called with each verified record seen for the first time, or with a newer sequence number. Never throws into the engine. */
  onDiscovered (listener: (record: NodeRecord) => void): () => void

  /** Nodes in the routing table, nearest bucket first. */
  table (): readonly TableNode[]
  /** Feeds a record from elsewhere (bootstrap, file, admin). False when it is refused. It is relayed only after it answered. */
  addRecord (record: RecordLike): boolean
  /** The newest record known of a node. */
  record (nodeId: string): NodeRecord | undefined

  /** Topic discovery; undefined where it is off, or not there. */
  readonly topics: TopicDiscovery | undefined

  bans (): readonly Ban[]
  /** Whether `ban` would take it now. @throws {DhtError} BadRequest, Backpressure, Unsupported */
  assertBannable (subject: string): void
  /** `subject` is an IP, a prefix (`/24`, `/64`) or a node ID. @throws {DhtError} as `assertBannable` */
  ban (subject: string, durationMs: number, reason?: string): void
  /** False when there was none. */
  unban (subject: string): boolean
  /** Takes all that a node has here: sessions, requests under way, its place. It may come back unless something else keeps it out. */
  drop (nodeId: string): void
  /** The same, of everybody whom the membership in force shuts out. To be called when that has changed. */
  dropOutsiders (): void
  stats (): EngineStats
}

/** Who advertises a topic, and advertising one. A topic is 64 hex characters. */
export interface TopicDiscovery {
  /** Asks registrars until `count` advertisers are found; the target of the specification is 30. @throws {DhtError} BadRequest */
  find (topic: string, options?: LookupOptions): Promise<TopicResult>
  /** What `advertise` would refuse. @throws {DhtError} BadRequest, Backpressure */
  assertRoom (topic: string): void
  /** Begins, or moves the end. @throws {DhtError} BadRequest, Backpressure when too many are advertised */
  advertise (topic: string, durationMs: number): Advertisement
  /** False when it was not advertised. What registrars hold already ends by itself. */
  withdraw (topic: string): boolean
  advertisements (): readonly Advertisement[]
}

export interface TopicResult {
  readonly advertisers: readonly NodeRecord[]
  /** TOPICQUERY requests sent. */
  readonly requests: number
  /** False when it was cut off while there was somebody left to ask. */
  readonly isComplete: boolean
}

/** What is advertised until when, and at how many registrars. */
export interface Advertisement {
  readonly topic: string
  /** Milliseconds since 1970. */
  readonly until: number
  /** Registrars that hold it now. */
  readonly held: number
  /** Registrars where it waits. */
  readonly waiting: number
}

/** The RLP bytes of a record, or its text form `enr:…`. */
export type RecordLike = Uint8Array | string

/** A record whose signature was checked. */
export interface NodeRecord {
  readonly nodeId: string
  readonly seq: bigint
  /** The signed RLP, at most 300 bytes. */
  readonly bytes: Uint8Array
  /** `enr:` and base64url. */
  readonly text: string
  /** Every pair of the record, the raw bytes of each value as RLP has them (a list value keeps its own header). */
  readonly pairs: ReadonlyMap<string, Uint8Array>
}

export interface Endpoint {
  readonly ip: string
  readonly port: number
}

export interface Pong {
  readonly enrSeq: bigint
  /** Where the other side saw us. */
  readonly ip: string
  readonly port: number
  readonly roundTripMs: number
}

export interface LookupOptions {
  /** Records asked for, at most 16 unless the engine says otherwise. */
  readonly count?: number
  readonly signal?: AbortSignal
}

export interface LookupResult {
  /** Closest first. */
  readonly nodes: readonly NodeRecord[]
  /** FINDNODE requests sent. */
  readonly requests: number
  /** False when it was cut off before the closest seen had answered. */
  readonly isComplete: boolean
}

/** Gives the reply's bytes; a throw or undefined becomes the empty reply. */
export type TalkHandler = (from: TalkSender, request: Uint8Array) => Uint8Array | undefined | Promise<Uint8Array | undefined>

export interface TalkSender extends Endpoint { readonly nodeId: string }

export interface TableNode extends Endpoint {
  readonly record: NodeRecord
  /** Log distance to this node, 1–256. */
  readonly distance: number
  /** True once it answered a request of ours; only then is it told to others. */
  readonly isLive: boolean
  /** Milliseconds since 1970 of its last answer; 0 for never. */
  readonly lastSeen: number
}

export interface Ban {
  readonly subject: string
  readonly kind: 'ip' | 'prefix' | 'node'
  readonly reason: string
  /** Milliseconds since 1970. */
  readonly until: number
}

export interface EngineStats {
  readonly sessions: number
  readonly tableNodes: number
  readonly liveNodes: number
  readonly pendingRequests: number
  /** Advertisements of topics held for others. */
  readonly topicAds: number
  /** Bytes of socket receive buffer that the kernel granted, the smallest of the sockets; 0 before `start`. */
  readonly receiveBufferBytes: number
}
