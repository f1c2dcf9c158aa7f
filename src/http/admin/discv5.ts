import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { DhtError } from '../../core/errors.ts'
import type { EventHub } from './event-hub.ts'
import { EventReaders, NDJSON, serverSentEvents } from './event-readers.ts'
import { Flights } from './flights.ts'
import { toIso } from './present.ts'
import { badBody, parseSince, readObject, readQuery, whenClientLeaves, type Query } from './request.ts'
import type { Discv5Body, Discv5EndpointBody, Discv5LookupBody, Discv5NodesBody, Discv5PingBody, Discv5RecordBody, Discv5RecordEvent, Discv5TableBody, Discv5TalkBody, Discv5TopicFindBody } from './wire-discv5.ts'

/** A record whose signature was checked. */
export interface NodeRecordPort { readonly nodeId: string, readonly seq: bigint, readonly text: string }

/** Topic discovery, as operators see it. A topic is 64 hex characters. */
export interface TopicPort {
  find (topic: string, options: { readonly count: number, readonly signal: AbortSignal }): Promise<{ readonly advertisers: readonly NodeRecordPort[], readonly requests: number, readonly isComplete: boolean }>
  /** @throws {DhtError} Backpressure when no more topics can be advertised */
  assertRoom (topic: string): void
  advertise (topic: string, durationMs: number): void
  withdraw (topic: string): boolean
  advertisements (): ReadonlyArray<{ readonly topic: string, readonly until: number, readonly held: number, readonly waiting: number }>
}

/** The discv5 node, as operators see it. A node is named to it by its record. */
export interface Discv5Port {
  readonly name: string
  readonly features: readonly string[]
  readonly nodeId: string
  /** Undefined where it is off. */
  readonly topics: TopicPort | undefined
  listening (): readonly Discv5EndpointBody[]
  ownRecord (): NodeRecordPort
  record (nodeId: string): NodeRecordPort | undefined
  table (): ReadonlyArray<Discv5EndpointBody & { readonly record: NodeRecordPort, readonly distance: number, readonly isLive: boolean, readonly lastSeen: number }>
  stats (): { readonly sessions: number, readonly tableNodes: number, readonly liveNodes: number, readonly pendingRequests: number, readonly receiveBufferBytes: number }
  /** @throws {DhtError} Timeout, BadRequest; so do the next three */
  ping (node: string): Promise<Discv5EndpointBody & { readonly enrSeq: bigint, readonly roundTripMs: number }>
  findNode (node: string, distances: readonly number[]): Promise<readonly NodeRecordPort[]>
  talkRequest (node: string, protocol: string, request: Uint8Array): Promise<Uint8Array>
  lookup (target: string, options: { readonly count?: number, readonly signal: AbortSignal }): Promise<{ readonly nodes: readonly NodeRecordPort[], readonly requests: number, readonly isComplete: boolean }>
}

export interface Discv5Ports {
  /** Undefined while the plane is off. */
  readonly discv5: Discv5Port | undefined
  /** The records that it discovers. */
  readonly discovered: EventHub<Discv5RecordEvent>
}

type Probe<Body> = (discv5: Discv5Port, request: FastifyRequest, signal: AbortSignal) => Promise<Body>

/** Walks and calls that operators have the node do: few, so that it cannot be steered into flooding others. */
const FLIGHTS = { limit: 16, perPrincipal: 4 }
/** Below the idle limit of every client of ours. */
const DEADLINE_MS = 20_000
const MAX_RECORD_TEXT = 404
const MAX_COUNT = 16
const MAX_ADVERTISERS = 100
/** `F_lookup` of the specification. */
const ADVERTISERS = 30
/** All but one's own: a crawl asks for every bucket that is left at once. */
const MAX_DISTANCES = 256
const MAX_PROTOCOL_BYTES = 64
/** A TALKREQ fits one packet of 1280 bytes. */
const MAX_TALK_BYTES = 1200

/** What the discv5 node is and knows, and asking other nodes through it. */
export function addDiscv5Routes (app: FastifyInstance, ports: Discv5Ports): void {
  app.get('/v1/discv5', async (): Promise<Discv5Body> => toBody(planeOf(ports)))
  app.get('/v1/discv5/table', async (): Promise<Discv5TableBody> => toTable(planeOf(ports)))

  const readers = new EventReaders(app, ports.discovered)
  // No HEAD: it would be a stream that nobody reads.
  app.get<Query>('/v1/discv5/records', { exposeHeadRoute: false }, async (request, reply) => {
    planeOf(ports)
    const { since } = readQuery(request.query, ['since'])
    const from = since === undefined ? ports.discovered.lastId : ports.discovered.idBefore(parseSince(since))
    readers.admit(request, reply, from, request.headers.accept?.includes('text/event-stream') === true ? serverSentEvents(() => true) : NDJSON)
  })

  const flights = new Flights(FLIGHTS)
  addProbe('ping', ping)
  addProbe('lookup', lookup)
  addProbe('nodes', nodes)
  addProbe('talk', talk)
  addProbe('topics/find', findTopic)

  function addProbe<Body> (name: string, probe: Probe<Body>): void {
    app.post(`/v1/discv5/${name}`, async (request, reply): Promise<Body> => {
      const discv5 = planeOf(ports)
      return await flights.run(request.principal?.id ?? 'operator', async () => await withDeadline(reply, async signal => await probe(discv5, request, signal)))
    })
  }
}

/** @throws {DhtError} NotFound while the plane is off */
function planeOf ({ discv5 }: Pick<Discv5Ports, 'discv5'>): Discv5Port {
  if (discv5 === undefined) throw new DhtError('NotFound', 'This daemon is not a discv5 node.', { hint: 'Set discv5.enabled.' })
  return discv5
}

/** @throws {DhtError} NotFound while topics are off */
export function topicsOf (ports: Pick<Discv5Ports, 'discv5'>): TopicPort {
  const { topics } = planeOf(ports)
  if (topics === undefined) throw new DhtError('NotFound', 'This daemon does not speak of topics.', { hint: 'Set discv5.topics; the native engine has them.' })
  return topics
}

/** @throws {DhtError} BadRequest */
export function parseTopic (topic: unknown): string {
  if (!isNodeId(topic)) throw badBody('The field "topic" is not a topic.', 'Give 64 hex digits.')
  return topic.toLowerCase()
}

/** Gives up when the time is over or the client left, whatever the work still waits for. */
async function withDeadline<T> (reply: FastifyReply, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController()
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => {}) // it is raced below; when the work is done first nobody waits for it
  const timer = setTimeout(() => {
    const err = new DhtError('Timeout', `It took more than ${DEADLINE_MS / 1000} s.`)
    late.abort(err)
    reject(err)
  }, DEADLINE_MS)
  try {
    return await Promise.race([work(AbortSignal.any([late.signal, whenClientLeaves(reply)])), promise])
  } finally {
    clearTimeout(timer)
  }
}

async function ping (discv5: Discv5Port, request: FastifyRequest, signal: AbortSignal): Promise<Discv5PingBody> {
  const { node } = readObject(request.body, ['node'])
  const { enrSeq, ip, port, roundTripMs } = await discv5.ping(await resolve(discv5, node, signal))
  return { seq: String(enrSeq), seen_as: { ip, port }, round_trip_ms: roundTripMs }
}

async function lookup (discv5: Discv5Port, request: FastifyRequest, signal: AbortSignal): Promise<Discv5LookupBody> {
  const { target, count = MAX_COUNT } = readObject(request.body, ['target', 'count'])
  if (!isWhole(count, 1, MAX_COUNT)) throw badBody('The field "count" is not in range.', `Give a whole number from 1 to ${MAX_COUNT}.`)
  if (!isNodeId(target)) throw badBody('The field "target" is not a node ID.', 'Give 64 hex digits.')
  const id = target.toLowerCase()
  const { nodes: found, requests, isComplete } = await discv5.lookup(id, { count, signal })
  return { target: id, nodes: found.map(toRecord), requests, complete: isComplete }
}

async function findTopic (discv5: Discv5Port, request: FastifyRequest, signal: AbortSignal): Promise<Discv5TopicFindBody> {
  const { topic, count = ADVERTISERS } = readObject(request.body, ['topic', 'count'])
  if (!isWhole(count, 1, MAX_ADVERTISERS)) throw badBody('The field "count" is not in range.', `Give a whole number from 1 to ${MAX_ADVERTISERS}.`)
  const id = parseTopic(topic)
  const { advertisers, requests, isComplete } = await topicsOf({ discv5 }).find(id, { count, signal })
  return { topic: id, advertisers: advertisers.map(toRecord), requests, complete: isComplete }
}

async function nodes (discv5: Discv5Port, request: FastifyRequest, signal: AbortSignal): Promise<Discv5NodesBody> {
  const { node, distances } = readObject(request.body, ['node', 'distances'])
  const areDistances = Array.isArray(distances) && distances.length > 0 && distances.length <= MAX_DISTANCES && distances.every(distance => isWhole(distance, 0, 256))
  if (!areDistances) throw badBody('The field "distances" is not a list of log distances.', `Give 1 to ${MAX_DISTANCES} whole numbers from 0 to 256; 0 is the node itself.`)
  return { nodes: (await discv5.findNode(await resolve(discv5, node, signal), distances)).map(toRecord) }
}

async function talk (discv5: Discv5Port, request: FastifyRequest, signal: AbortSignal): Promise<Discv5TalkBody> {
  const { node, protocol, request: payload = '' } = readObject(request.body, ['node', 'protocol', 'request'])
  if (typeof protocol !== 'string' || protocol === '' || Buffer.byteLength(protocol) > MAX_PROTOCOL_BYTES) throw badBody('The field "protocol" is not a name of a protocol.', `Give 1 to ${MAX_PROTOCOL_BYTES} bytes.`)
  if (typeof payload !== 'string' || !/^(?:[0-9a-f]{2})*$/i.test(payload) || payload.length > 2 * MAX_TALK_BYTES) throw badBody('The field "request" is not bytes in hex.', `Give at most ${MAX_TALK_BYTES} bytes.`)
  const response = await discv5.talkRequest(await resolve(discv5, node, signal), protocol, Buffer.from(payload, 'hex'))
  return { response: Buffer.from(response).toString('hex') }
}

/** The record of a node that is named by it or by its ID: the one that is known, else the one that a lookup finds. */
async function resolve (discv5: Discv5Port, node: unknown, signal: AbortSignal): Promise<string> {
  if (typeof node === 'string' && node.startsWith('enr:') && node.length <= MAX_RECORD_TEXT) return node
  if (!isNodeId(node)) throw badBody('The field "node" names no node.', 'Give a record, enr:…, or a node ID of 64 hex digits.')
  const id = node.toLowerCase()
  const known = discv5.record(id) ?? (await discv5.lookup(id, { signal })).nodes.find(({ nodeId }) => nodeId === id)
  if (known === undefined) throw new DhtError('NotFound', 'Nobody asked knows a node of this ID.', { hint: 'Name it by its record, enr:….' })
  return known.text
}

function isNodeId (value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/i.test(value)
}

function isWhole (value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
}

export function toRecord ({ nodeId, seq, text }: NodeRecordPort): Discv5RecordBody {
  return { node_id: nodeId, seq: String(seq), enr: text }
}

function toBody (discv5: Discv5Port): Discv5Body {
  const { sessions, tableNodes, liveNodes, pendingRequests, receiveBufferBytes } = discv5.stats()
  return {
    ...toRecord(discv5.ownRecord()),
    engine: discv5.name,
    features: discv5.features,
    listening: discv5.listening(),
    stats: { sessions, table_nodes: tableNodes, live_nodes: liveNodes, pending_requests: pendingRequests, receive_buffer_bytes: receiveBufferBytes },
  }
}

function toTable (discv5: Discv5Port): Discv5TableBody {
  return {
    nodes: discv5.table().map(({ record, ip, port, distance, isLive, lastSeen }) => (
      { ...toRecord(record), ip, port, distance, live: isLive, ...(lastSeen > 0 && { last_seen: toIso(lastSeen) }) })),
  }
}
