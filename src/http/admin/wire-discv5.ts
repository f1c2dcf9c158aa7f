/** What the admin API says of the discv5 plane and of bans. Sequence numbers have 64 bits: they are decimal text. */

export interface Discv5RecordBody {
  /** 64 hex characters. */
  readonly node_id: string
  readonly seq: string
  /** The signed record as text, `enr:…`. */
  readonly enr: string
}

export interface Discv5EndpointBody { readonly ip: string, readonly port: number }

/** `GET /v1/discv5` */
export interface Discv5Body extends Discv5RecordBody {
  readonly engine: string
  /** Which secp256k1 is loaded, among others. */
  readonly features: readonly string[]
  readonly listening: readonly Discv5EndpointBody[]
  readonly stats: {
    readonly sessions: number
    readonly table_nodes: number
    readonly live_nodes: number
    readonly pending_requests: number
    readonly receive_buffer_bytes: number
  }
}

/** `GET /v1/discv5/table`: nearest bucket first. */
export interface Discv5TableBody {
  readonly nodes: ReadonlyArray<Discv5RecordBody & Discv5EndpointBody & {
    /** Log distance to this node, 1 to 256. */
    readonly distance: number
    /** Answered a request of ours: only then is it told to others. */
    readonly live: boolean
    /** Absent when it never answered. */
    readonly last_seen?: string
  }>
}

/** `POST /v1/discv5/ping` request. `node` is a record or, for a node that can be found, a node ID. */
export interface Discv5PingRequest { readonly node: string }

export interface Discv5PingBody {
  readonly seq: string
  /** Where the node sees us. */
  readonly seen_as: Discv5EndpointBody
  readonly round_trip_ms: number
}

/** `POST /v1/discv5/lookup` request: towards a node ID. */
export interface Discv5LookupRequest { readonly target: string, readonly count?: number }

export interface Discv5LookupBody {
  readonly target: string
  /** Closest first. */
  readonly nodes: readonly Discv5RecordBody[]
  readonly requests: number
  /** False when it was cut off before the closest nodes seen had answered. */
  readonly complete: boolean
}

/** `POST /v1/discv5/nodes` request: one FINDNODE for these log distances, 0 to 256. */
export interface Discv5NodesRequest { readonly node: string, readonly distances: readonly number[] }

export interface Discv5NodesBody { readonly nodes: readonly Discv5RecordBody[] }

/** `POST /v1/discv5/talk` request: one TALKREQ, the request in hex. */
export interface Discv5TalkRequest { readonly node: string, readonly protocol: string, readonly request: string }

export interface Discv5TalkBody { /** In hex; empty from a node that does not know the protocol. */ readonly response: string }

/** `POST /v1/discv5/topics/find` request. A topic is 64 hex characters; `count` is of advertisers, 1 to 100. */
export interface Discv5TopicFindRequest { readonly topic: string, readonly count?: number }

export interface Discv5TopicFindBody {
  readonly topic: string
  readonly advertisers: readonly Discv5RecordBody[]
  readonly requests: number
  /** False when it was cut off while there was somebody left to ask. */
  readonly complete: boolean
}

/** A topic that this node advertises. */
export interface Discv5TopicBody {
  readonly topic: string
  readonly until: string
  /** Registrars that hold it now, and those where it waits. */
  readonly held: number
  readonly waiting: number
}

/** `GET /v1/discv5/topics`; as the answer of `POST` and `DELETE` only what came of it. */
export interface Discv5TopicsBody { readonly advertised: readonly Discv5TopicBody[] }

/** `POST /v1/discv5/topics` request. `duration` as `10m` or `24h`. Of a topic that is advertised already, the end is moved. */
export interface Discv5AdvertiseRequest { readonly topic: string, readonly duration: string, readonly reason?: string }

/** A line of `GET /v1/discv5/records[?since=]`, or the data of an event where the client accepts `text/event-stream`: a record seen for the first time, or newer than before. */
export interface Discv5RecordEvent { readonly id: number, readonly at: string, readonly topic: 'record', readonly record: Discv5RecordBody }

export interface BanBody {
  /** The plane that shuts it out. */
  readonly plane: 'discv5'
  /** An IP, a prefix or a node ID. */
  readonly subject: string
  readonly kind: 'ip' | 'prefix' | 'node'
  /** Of an operator in their words, else which limit was exceeded. */
  readonly reason: string
  readonly until: string
}

/** `GET /v1/bans`; as the answer of `POST /v1/bans` only what came of it. */
export interface BansBody { readonly bans: readonly BanBody[] }

/** `POST /v1/bans` request. `duration` as `10m` or `24h`. A subject that is banned already is banned anew. */
export interface BanRequest { readonly subject: string, readonly duration: string, readonly reason: string }

/** `DELETE /v1/bans/{subject}[?reason=]` answer. */
export interface UnbanBody { readonly removed: readonly BanBody[] }
