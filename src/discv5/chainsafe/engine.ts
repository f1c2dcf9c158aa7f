import { randomBytes } from 'node:crypto'
import type { Discv5 } from '@chainsafe/discv5'
import type { ENR, SignableENR } from '@chainsafe/enr'
import type { Clock } from '../../core/component.ts'
import { DhtError } from '../../core/errors.ts'
import type { Logger } from '../../observability/logger.ts'
import type { Discv5Engine, Endpoint, EngineStats, LookupOptions, LookupResult, NodeRecord, Pong, RecordLike, TableNode, TalkHandler } from '../engine.ts'
import type { OwnAddresses } from '../enr/own-record.ts'
import { EVERYBODY, type Membership } from '../members/membership.ts'
import type { NodeKey } from '../node-key.ts'
import { uintBytes } from '../rlp.ts'
import { grantedReceiveBuffer, receiveBufferShortage, SHORTAGE_MESSAGE, widenBuffers } from '../socket.ts'
import { logDistance } from '../table/distance.ts'
import { socketsOf, toBindAddrs, toEmitter, toEndpoint, toEnr, toFailure, type Library, type NodeAddress, type PrivateKey, type TalkRequest } from './convert.ts'
import { gate, removeAll } from './membership-gate.ts'
import { Recent } from './recent.ts'
import { claimPort } from './socket-port.ts'

export interface ChainsafeOptions {
  readonly listen: Endpoint
  /** Told in the record instead of where we listen. */
  readonly announce?: Partial<Endpoint>
  readonly bootnodes?: readonly string[]
  readonly sessions?: number
  readonly requestTimeoutMs?: number
  /** Attempts after the first. */
  readonly retries?: number
  /** Milliseconds until the table is filled by lookups for the first time; twice as long each time after. Absent: only by who is heard. */
  readonly firstRefreshMs?: number
  /** Milliseconds between two PINGs of a node in the table. */
  readonly pingIntervalMs?: number
  /** Milliseconds after which a lookup gives what it has. */
  readonly lookupTimeoutMs?: number
}

interface Deps {
  readonly library: Library
  readonly key: NodeKey
  /** Reads and verifies records strictly; the library's own reader lets some pass that are not in order. @throws on a bad record */
  readonly readRecord: (bytes: Uint8Array) => NodeRecord
  /** Ports and ID of the libp2p host, asked at the start, when it listens. */
  readonly libp2p?: () => OwnAddresses
  /** Who is let in; everybody when absent. */
  readonly membership?: Membership
  readonly log: Logger
  readonly now: Clock
}

const PING_INTERVAL_MS = 300_000
const LOOKUP_TIMEOUT_MS = 25_000
const FINDNODE = 3
/** Nodes whose last answer, and records of which the newest number told, are remembered. */
const REMEMBERED_NODES = 4000
const TALK_PROTOCOLS = 64
const REFRESH_MS = 30 * 60_000

/** `@chainsafe/discv5` behind our port. Its classes stay in this folder: records go in and out as bytes and text. */
export class ChainsafeEngine implements Discv5Engine {
  readonly name = 'chainsafe'
  readonly features = ['secp256k1-noble'] as const
  readonly topics = undefined
  readonly #opts: ChainsafeOptions
  readonly #deps: Deps
  readonly #membership: Membership
  readonly #enr: SignableENR
  readonly #lastSeen = new Recent<number>(REMEMBERED_NODES)
  readonly #told = new Recent<bigint>(REMEMBERED_NODES)
  readonly #talk = new Map<string, TalkHandler>()
  readonly #listeners = new Set<(record: NodeRecord) => void>()
  #node: Discv5 | undefined
  #listening: Endpoint[] = []
  #pending = 0
  #refresh: NodeJS.Timeout | undefined
  #findNodesSent = 0

  constructor (opts: ChainsafeOptions, deps: Deps) {
    this.#opts = opts
    this.#deps = deps
    this.#membership = deps.membership ?? EVERYBODY
    this.#enr = deps.library.SignableENR.createV4(deps.key.privateKey())
  }

  get nodeId (): string { return this.#enr.nodeId }

  async start (): Promise<void> {
    const { listen, bootnodes = [], firstRefreshMs } = this.#opts
    const { ip } = listen
    const port = await claimPort(listen)
    this.#describe(port)
    const node = this.#deps.library.Discv5.create({
      enr: this.#enr,
      privateKey: { type: 'secp256k1', raw: this.#deps.key.privateKey() } as unknown as PrivateKey,
      bindAddrs: toBindAddrs(this.#deps.library, ip, port),
      config: this.#config(),
    })
    gate(node, { membership: this.#membership, read: enr => this.#read(enr), readBytes: bytes => this.#readBytes(bytes) })
    this.#listenTo(node)
    const send = node.sessionService.sendRequest.bind(node.sessionService)
    node.sessionService.sendRequest = (contact, request) => {
      if (request.type === FINDNODE) this.#findNodesSent++
      send(contact, request)
    }
    await node.start()
    // It asks for 20 kB, and loses most of a burst of a hundred packets.
    for (const socket of socketsOf(node)) widenBuffers(socket, err => this.#deps.log.debug({ err }, 'the buffers of discv5 stay as they are'))
    this.#node = node
    this.#listening = [{ ip, port }]
    for (const text of bootnodes) this.addRecord(text)
    if (firstRefreshMs !== undefined) this.#refreshIn(firstRefreshMs)
    this.#deps.log.info({ event: 'discv5_listening', record: this.ownRecord().text, listening: this.#listening, secp256k1: this.features[0], receive_buffer_bytes: this.stats().receiveBufferBytes }, 'discv5 listens')
    const shortage = receiveBufferShortage(this.stats().receiveBufferBytes)
    if (shortage !== undefined) this.#deps.log.warn(shortage, SHORTAGE_MESSAGE)
  }

  /** What the record says of us. The number of a new run is higher than any of the run before, which nobody wrote down. */
  #describe (port: number): void {
    const { listen, announce } = this.#opts
    const { ip, ...told } = { ip: announce?.ip ?? listen.ip, port: announce?.port ?? port }
    const { libp2p: peerId, ...ports } = this.#deps.libp2p?.() ?? {}
    this.#enr.seq = BigInt(Math.floor(this.#deps.now() / 1000))
    // A socket on all addresses does not know its own, and this engine does not learn it from others.
    const isKnown = ip !== '0.0.0.0' && ip !== '::'
    Object.assign(this.#enr, ip.includes(':') ? { ...isKnown && { ip6: ip }, udp6: told.port } : { ...isKnown && { ip }, udp: told.port })
    for (const [key, value] of Object.entries(ports)) if (typeof value === 'number' && value > 0) this.#enr.set(key, uintBytes(value))
    if (peerId !== undefined) this.#enr.set('libp2p', peerId)
  }

  #config (): NonNullable<Parameters<typeof Discv5.create>[0]['config']> {
    const { pingIntervalMs = PING_INTERVAL_MS, lookupTimeoutMs = LOOKUP_TIMEOUT_MS, sessions, requestTimeoutMs, retries } = this.#opts
    return {
      // Its votes have no window and no diversity: ten identities on one host would move our address.
      enrUpdate: false,
      pingInterval: pingIntervalMs,
      lookupTimeout: lookupTimeoutMs,
      ...sessions !== undefined && { sessionCacheCapacity: sessions },
      ...requestTimeoutMs !== undefined && { requestTimeout: requestTimeoutMs },
      ...retries !== undefined && { requestRetries: retries + 1 }, // it counts the first
    }
  }

  /** The library asks nobody by itself: without lookups a node knows its boot nodes and who comes by. */
  #refreshIn (ms: number): void {
    this.#refresh = setTimeout(() => {
      if (this.stats().tableNodes === 0) for (const text of this.#opts.bootnodes ?? []) this.addRecord(text)
      const isAlone = this.stats().liveNodes === 0
      void Promise.allSettled([this.lookup(this.nodeId), this.lookup(randomBytes(32).toString('hex'))])
        .then(() => { if (this.#node !== undefined) this.#refreshIn(isAlone ? ms : Math.min(2 * ms, REFRESH_MS)) })
    }, ms).unref()
  }

  async stop (): Promise<void> {
    const node = this.#node
    clearTimeout(this.#refresh)
    this.#node = undefined
    this.#listening = []
    await node?.stop()
  }

  #listenTo (node: Discv5): void {
    const events = toEmitter(node)
    events.on('discovered', (enr: ENR) => this.#tell(enr))
    events.on('enrAdded', (enr: ENR) => this.#tell(enr))
    events.on('talkReqReceived', (from: NodeAddress, _enr: ENR | null, { id, protocol, request }: TalkRequest) => {
      const { host, port } = from.socketAddr.toOptions()
      this.#answerTalk({ nodeId: from.nodeId, ip: host, port }, Buffer.from(protocol).toString(), request)
        .then(async reply => await node.sendTalkResp(from, id, reply))
        .catch((err: unknown) => this.#deps.log.debug({ err }, 'a TALKREQ was not answered'))
    })
    toEmitter(node.sessionService).on('response', ({ nodeId }: NodeAddress) => this.#lastSeen.set(nodeId, this.#deps.now()))
  }

  listening (): readonly Endpoint[] { return this.#listening }

  ownRecord (): NodeRecord { return this.#deps.readRecord(this.#enr.encode()) }

  async ping (record: RecordLike): Promise<Pong> {
    const begun = performance.now()
    const pong = await this.#request(async node => await node.sendPing(this.#target(record)))
    return { enrSeq: pong.enrSeq, ...toEndpoint(pong), roundTripMs: performance.now() - begun }
  }

  async findNode (record: RecordLike, distances: readonly number[]): Promise<NodeRecord[]> {
    if (distances.some(distance => !Number.isInteger(distance) || distance < 0 || distance > 256)) throw new DhtError('BadRequest', 'A distance is a whole number from 0 to 256.')
    const remote = this.#target(record)
    const found = await this.#request(async node => await node.sendFindNode(remote, [...distances]))
    return this.#readAll(found).filter(({ nodeId, pairs }) => !this.#membership.isOutsider(nodeId, pairs) && distances.includes(distanceOf(nodeId, remote.nodeId)))
  }

  async talkRequest (record: RecordLike, protocol: string, request: Uint8Array): Promise<Uint8Array> {
    return await this.#request(async node => await node.sendTalkReq(this.#target(record), request, protocol))
  }

  async lookup (target: string, { count = 16, signal }: LookupOptions = {}): Promise<LookupResult> {
    if (!/^[0-9a-f]{64}$/.test(target)) throw new DhtError('BadRequest', 'A node ID is 64 hex characters.')
    const before = this.#findNodesSent
    const found = await this.#request(async node => await Promise.race([node.findNode(target), cutOff(signal)]))
    return { nodes: this.#readAll(found ?? []).slice(0, count), requests: this.#findNodesSent - before, isComplete: found !== undefined }
  }

  onTalkRequest (protocol: string, handler: TalkHandler): () => void {
    if (this.#talk.has(protocol)) throw new DhtError('Conflict', 'Somebody answers this TALKREQ protocol already.')
    if (this.#talk.size === TALK_PROTOCOLS) throw new DhtError('Backpressure', `There are ${TALK_PROTOCOLS} TALKREQ protocols already.`)
    this.#talk.set(protocol, handler)
    return () => { this.#talk.delete(protocol) }
  }

  onDiscovered (listener: (record: NodeRecord) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  table (): readonly TableNode[] {
    const nodes = (this.#node?.kadValues() ?? []).flatMap(enr => {
      const record = this.#read(enr)
      const lastSeen = this.#lastSeen.get(enr.nodeId) ?? 0
      const at = { ip: enr.ip ?? enr.ip6 ?? '', port: enr.udp ?? enr.udp6 ?? 0 }
      return record === undefined ? [] : [{ record, ...at, distance: distanceOf(enr.nodeId, this.nodeId), isLive: lastSeen > 0, lastSeen }]
    })
    return nodes.sort((a, b) => a.distance - b.distance)
  }

  addRecord (record: RecordLike): boolean {
    let enr: ENR
    try {
      enr = this.#reachable(record)
    } catch {
      return false // not a record, or none that can be reached
    }
    const read = this.#read(enr)
    if (this.#node === undefined || read === undefined || enr.nodeId === this.nodeId || !this.#membership.admits(enr.nodeId, read.pairs, 'table')) return false
    this.#node.addEnr(enr)
    return this.#node.getKadValue(enr.nodeId) !== undefined
  }

  record (nodeId: string): NodeRecord | undefined {
    const enr = this.#node?.findEnr(nodeId)
    return enr && this.#read(enr)
  }

  bans (): readonly [] { return [] }

  assertBannable (): never { return this.ban() }

  ban (): never {
    throw new DhtError('Unsupported', 'This discv5 engine cannot ban.', { hint: 'Set discv5.engine to native.' })
  }

  unban (): boolean { return false }

  drop (nodeId: string): void {
    if (this.#node !== undefined) removeAll(this.#node, id => id === nodeId)
  }

  dropOutsiders (): void {
    if (this.#node !== undefined) removeAll(this.#node, id => this.#membership.isOutsider(id, this.record(id)?.pairs ?? new Map()))
  }

  stats (): EngineStats {
    const table = this.table()
    return {
      sessions: this.#node?.sessionService.sessionsSize() ?? 0,
      tableNodes: table.length,
      liveNodes: table.filter(({ isLive }) => isLive).length,
      topicAds: 0,
      pendingRequests: this.#pending,
      receiveBufferBytes: this.#node === undefined ? 0 : Math.min(...socketsOf(this.#node).map(grantedReceiveBuffer)),
    }
  }

  async #request<T> (ask: (node: Discv5) => Promise<T>): Promise<T> {
    const node = this.#node
    if (node === undefined) throw new DhtError('NotReady', 'The discv5 node is not running.')
    this.#pending++
    try {
      return await ask(node)
    } catch (err) {
      throw toFailure(err)
    } finally {
      this.#pending--
    }
  }

  /** @throws {DhtError} BadRequest for a record without an address for discv5 */
  #reachable (record: RecordLike): ENR {
    const enr = toEnr(this.#deps.library, record)
    let address: unknown
    try {
      address = enr.getLocationMultiaddr('udp')
    } catch {
      // malformed: as good as not there
    }
    if (address === undefined) throw new DhtError('BadRequest', 'The record has no address for discv5.', { hint: 'It needs ip and udp, or ip6 and udp6.' })
    return enr
  }

  /** @throws {DhtError} BadRequest, NoCapability for who is shut out */
  #target (record: RecordLike): ENR {
    const enr = this.#reachable(record)
    if (!this.#membership.admits(enr.nodeId, this.#read(enr)?.pairs ?? new Map(), 'call')) throw new DhtError('NoCapability', 'Only members are asked.', { reason: 'member' })
    return enr
  }

  async #answerTalk (from: Endpoint & { readonly nodeId: string }, protocol: string, request: Uint8Array): Promise<Uint8Array> {
    try {
      return await this.#talk.get(protocol)?.(from, request) ?? new Uint8Array()
    } catch (err) {
      this.#deps.log.warn({ event: 'talk_handler_failed', err, protocol }, 'a TALKREQ handler failed')
      return new Uint8Array()
    }
  }

  #tell (enr: ENR): void {
    const told = this.#told.get(enr.nodeId)
    if (told !== undefined && told >= enr.seq) return
    const record = this.#read(enr)
    if (record === undefined) return
    this.#told.set(enr.nodeId, enr.seq)
    for (const listener of this.#listeners) {
      try {
        listener(record)
      } catch (err) {
        this.#deps.log.error({ event: 'discovery_listener_failed', err }, 'a listener of discovered records failed')
      }
    }
  }

  #readAll (enrs: readonly ENR[]): NodeRecord[] {
    return enrs.map(enr => this.#read(enr)).filter(record => record !== undefined)
  }

  /** Undefined for a record that the library let pass, or wrote back in another order. */
  #read (enr: ENR): NodeRecord | undefined {
    try {
      return this.#deps.readRecord(enr.encode())
    } catch {
      return undefined
    }
  }

  #readBytes (bytes: Uint8Array): NodeRecord | undefined {
    try {
      return this.#deps.readRecord(bytes)
    } catch {
      return undefined
    }
  }
}

/** Of two node IDs in hex. */
function distanceOf (a: string, b: string): number {
  return logDistance(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'))
}

/** Undefined once the signal says so. */
async function cutOff (signal: AbortSignal | undefined): Promise<undefined> {
  return await new Promise(resolve => {
    if (signal?.aborted === true) resolve(undefined)
    signal?.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
