/** What a span may say. A closed list: keys that are looked up and peers are public, a token or key has no name here. */
export interface SpanAttributes {
  readonly 'http.request.method'?: string
  /** The route's pattern, never the path. */
  readonly 'http.route'?: string
  readonly 'http.response.status_code'?: number
  /** Which listener. */
  readonly 'svc_dht.surface'?: string
  readonly 'svc_dht.request_id'?: string
  /** The grant that was used, by its id. */
  readonly 'svc_dht.grant'?: string
  /** The code of what went wrong. */
  readonly 'error.type'?: string
  readonly 'svc_dht.lookup.kind'?: string
  /** What is looked up: a multihash in base64url, or a peer ID. */
  readonly 'svc_dht.lookup.key'?: string
  readonly 'svc_dht.lookup.outcome'?: string
  readonly 'svc_dht.lookup.records'?: number
  /** Whether a recent answer was there, a walk to share, or neither. */
  readonly 'svc_dht.lookup.cache'?: string
  readonly 'svc_dht.walk.messages'?: number
  readonly 'svc_dht.walk.hops'?: number
  /** Closest peers that took an announcement, of those it was sent to. */
  readonly 'svc_dht.announce.reached'?: number
  readonly 'svc_dht.announce.attempted'?: number
  /** The peer that was asked. */
  readonly 'svc_dht.peer'?: string
}

/** Who does the work: `server` for a request of others, `client` for one of ours. */
export type SpanKind = 'server' | 'client' | 'internal'

/** A piece of work of a trace that is taken. */
export interface Span {
  /** 32 hex digits. */
  readonly traceId: string
  child (name: string, attributes?: SpanAttributes, kind?: SpanKind): Span
  set (attributes: SpanAttributes): void
  /** Says that work of another trace was used as well. */
  link (other: Span): void
  /** With the code of what went wrong, if anything did. What follows is ignored. */
  end (failure?: string): void
}

/**
 * Decides for each request whether a trace of it is taken. Undefined for the others, which then cost what they cost without
 * tracing: whoever passes a span on passes undefined on, and nothing more is done.
 */
export interface Tracer {
  /** `traceparent` (W3C Trace Context) continues the trace of a caller, and only with callers that are trusted with it. */
  begin (name: string, options: { readonly attributes: SpanAttributes, readonly traceparent?: string | undefined }): Span | undefined
}
