import { randomBytes } from 'node:crypto'
import { DhtError } from '../core/errors.ts'
import { AddressVotes } from './address-votes.ts'
import { Calls, MAX_NODES } from './calls.ts'
import { Counts } from './counts.ts'
import type { Ban, Discv5Engine, Endpoint, EngineStats, LookupOptions, LookupResult, NodeRecord, Pong, RecordLike, TableNode, TalkHandler } from './engine.ts'
import { OwnRecord } from './enr/own-record.ts'
import { RecordCache } from './enr/record-cache.ts'
import type { Enr } from './enr/record.ts'
import { EVERYBODY, type MeetingPlace, type Membership } from './members/membership.ts'
import { familyOf } from './ip.ts'
import { walk } from './lookup.ts'
import type { NativeDeps, NativeOptions } from './native-options.ts'
import { addressesAtStart, agreedBefore, agreedOn } from './own-addresses.ts'
import { BanList } from './protect/bans.ts'
import { Guard, type GuardLimits } from './protect/guard.ts'
import { Responder } from './responder.ts'
import type { SavedState } from './saved-state.ts'
import { Messenger, type Peer, type Target } from './session/messenger.ts'
import { receiveBufferShortage, SHORTAGE_MESSAGE } from './socket.ts'
import { isUsable, mayRelay } from './table/addresses.ts'
import { Revalidation } from './table/revalidation.ts'
import { Table, type Placed } from './table/table.ts'
import { TOPICS_VERSION } from './topics/capability.ts'
import { Topics } from './topics/topics.ts'
import type { Message } from './wire/message.ts'

const TICK_MS = 20
const CALLS = 4096
const CALLS_PER_NODE = 32
const SAVE_MS = 60_000
/** The table is filled quickly at first, then twice as rarely each time. */
const FIRST_REFRESH_MS = 500
const REFRESH_MS = 30 * 60_000
const FORGET_IDS_MS = 3_600_000
const VOTE_WINDOW_MS = 5 * 60_000

/** Our own discv5 node. */
export class NativeEngine implements Discv5Engine {
  readonly name = 'native'
  readonly features: readonly string[]
  readonly counts: Counts
  readonly #opts: NativeOptions
  readonly #deps: NativeDeps
  readonly #bans = new BanList()
  readonly #membership: Membership
  readonly #guard: Guard
  readonly #messenger: Messenger
  readonly #responder: Responder
  readonly #table: Table
  readonly #records: RecordCache
  readonly #votes: AddressVotes
  readonly #calls: Calls
  readonly #revalidation: Revalidation
  readonly topics: Topics | undefined
  readonly #listeners = new Set<(record: NodeRecord) => void>()
  #own: OwnRecord
  #listening: Endpoint[] = []
  #timer: NodeJS.Timeout | undefined
  #isRefreshing = false
  #refreshMs = FIRST_REFRESH_MS
  #next = { save: 0, refresh: 0, forget: 0 }
  #saving = Promise.resolve()

  constructor (opts: NativeOptions, deps: NativeDeps) {
    this.#opts = opts
    this.#deps = deps
    this.features = [deps.secp256k1.name]
    this.counts = deps.counts ?? new Counts()
    this.#own = new OwnRecord(deps.key.privateKey(), opts.external, deps.secp256k1)
    this.#membership = deps.membership ?? EVERYBODY
    this.#table = new Table(this.#own.current.id, deps.random, entry => !this.#isBanned(entry) && !this.#isOutsider(entry.record))
    this.#records = new RecordCache(deps.secp256k1, this.counts)
    this.#votes = new AddressVotes({ quorum: opts.votes, windowMs: VOTE_WINDOW_MS })
    this.#guard = new Guard(opts.limits, this.#bans, this.counts)
    this.#messenger = new Messenger({ ...opts, calls: CALLS, callsPerNode: CALLS_PER_NODE }, {
      secp256k1: deps.secp256k1,
      privateKey: deps.key.privateKey(),
      ownRecord: () => this.#own.current,
      knownRecord: id => this.#table.get(id.toString('hex'))?.record,
      decodeRecord: bytes => this.#records.decode(bytes),
      send: (packet, ip, port) => this.#send(packet, ip, port),
      guard: this.#guard,
      admits: (nodeId, record, place) => record === undefined ? this.#membership.admits(nodeId, undefined, place) : this.#admits(record, place),
      counts: this.counts,
      now: deps.now,
      onRequest: (from, message) => this.#onRequest(from, message),
      onHandshake: (from, record) => void this.#learn(record, from.ip),
    })
    this.#calls = new Calls({
      messenger: this.#messenger,
      records: this.#records,
      ownRecord: () => this.#own.current,
      admits: record => this.#admits(record, 'record'),
      counts: this.counts,
      now: deps.now,
      onPong: ({ ip }, pong) => this.#votes.vote(ip, pong, deps.now()),
      onFound: (record, { ip }) => void this.#learn(record, ip),
    })
    this.#revalidation = new Revalidation(opts, {
      table: this.#table, calls: this.#calls, counts: this.counts, now: deps.now, random: deps.random, onAnswer: ({ endpoint }) => this.#adoptAddress(familyOf(endpoint.ip)),
    })
    this.topics = opts.topics && new Topics(opts.topics, {
      ...deps,
      table: this.#table,
      messenger: this.#messenger,
      records: this.#records,
      guard: this.#guard,
      counts: this.counts,
      ownRecord: () => this.#own.current,
      admits: record => this.#admits(record, 'record'),
      learn: (record, toldBy) => this.#learn(record, toldBy),
      target: record => this.#target(record.bytes, record),
    })
    this.#responder = new Responder({ table: this.#table, messenger: this.#messenger, ownRecord: () => this.#own.current, admits: record => this.#admits(record, 'record'), counts: this.counts, log: deps.log })
  }

  get nodeId (): string { return this.#own.current.nodeId }

  listening (): readonly Endpoint[] { return this.#listening }
  ownRecord (): NodeRecord { return this.#own.current }

  async start (): Promise<void> {
    const { store, sockets, secp256k1, key, log } = this.#deps
    const saved = await store?.load()
    try {
      for (const socket of sockets) this.#listening.push(await socket.bind((packet, ip, port) => this.#messenger.receive(packet, ip, port)))
    } catch (err) {
      await Promise.all(sockets.map(async socket => await socket.close()))
      this.#listening = []
      throw err
    }
    const last = saved && this.#records.decode(saved.own)
    const place = { listening: this.#listening, external: this.#opts.external }
    const agreed = last?.nodeId === this.nodeId ? agreedBefore(last, place) : {}
    this.#own = new OwnRecord(key.privateKey(), { ...addressesAtStart(place, { ...this.#deps.libp2p?.(), ng: this.topics && TOPICS_VERSION }), ...agreed }, secp256k1, last)
    const now = this.#deps.now()
    for (const ban of saved?.bans ?? []) this.#bans.restore(ban, now)
    for (const text of [...this.#opts.bootnodes, ...saved?.nodes ?? []]) this.addRecord(text)
    this.#next = { save: now + SAVE_MS, refresh: now + FIRST_REFRESH_MS, forget: now + FORGET_IDS_MS }
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
    await this.#save()
    log.info({ event: 'discv5_listening', record: this.#own.current.text, listening: this.#listening, secp256k1: secp256k1.name, receive_buffer_bytes: this.stats().receiveBufferBytes }, 'discv5 listens')
    const shortage = receiveBufferShortage(this.stats().receiveBufferBytes)
    if (shortage !== undefined) log.warn(shortage, SHORTAGE_MESSAGE)
  }

  async stop (): Promise<void> {
    const isRunning = this.#timer !== undefined
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#messenger.stop()
    await Promise.all(this.#deps.sockets.map(async socket => await socket.close()))
    this.#listening = []
    if (isRunning) await this.#save()
    await this.#saving
  }

  async ping (node: RecordLike): Promise<Pong> {
    return await this.#calls.ping(this.#target(node))
  }

  async findNode (node: RecordLike, distances: readonly number[]): Promise<NodeRecord[]> {
    return await this.#calls.findNode(this.#target(node), distances)
  }

  async talkRequest (node: RecordLike, protocol: string, request: Uint8Array): Promise<Uint8Array> {
    return await this.#calls.talk(this.#target(node), protocol, request)
  }

  async lookup (target: string, { count = MAX_NODES, signal }: LookupOptions = {}): Promise<LookupResult> {
    if (!/^[0-9a-f]{64}$/i.test(target)) throw new DhtError('BadRequest', 'a node ID is 64 hexadecimal characters')
    const id = Buffer.from(target, 'hex')
    return await walk({ target: id, count, concurrency: this.#opts.lookupConcurrency, seeds: this.#table.closest(id, MAX_NODES).map(({ record }) => record), signal }, {
      self: this.nodeId,
      ask: async (node, distances) => await this.#calls.findNode(this.#target(node.bytes, node), distances),
    })
  }

  onTalkRequest (protocol: string, handler: TalkHandler): () => void {
    return this.#responder.onTalkRequest(protocol, handler)
  }

  onDiscovered (listener: (record: NodeRecord) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  table (): readonly TableNode[] {
    return this.#table.entries().map(({ record, endpoint, distance, checks, lastSeen }) => ({ ...endpoint, record, distance, isLive: checks > 0, lastSeen }))
  }

  addRecord (record: RecordLike): boolean {
    const enr = this.#records.decode(record)
    return enr !== undefined && this.#learn(enr, undefined)
  }

  record (nodeId: string): NodeRecord | undefined {
    return nodeId === this.nodeId ? this.#own.current : this.#table.get(nodeId)?.record
  }

  bans (): readonly Ban[] { return this.#bans.list(this.#deps.now()) }

  assertBannable (subject: string): void { this.#bans.assertRoom(subject, this.#deps.now()) }

  ban (subject: string, durationMs: number, reason = 'by the operator'): void {
    this.#bans.add(subject, durationMs, reason, this.#deps.now())
    this.#table.removeAll(entry => this.#isBanned(entry))
    this.topics?.removeAll(node => this.#isBanned(node))
    this.#messenger.drop(nodeId => this.#bans.hasNode(nodeId, this.#deps.now()))
    if (this.#timer !== undefined) void this.#save()
  }

  unban (subject: string): boolean {
    const isLifted = this.#bans.remove(subject)
    if (isLifted && this.#timer !== undefined) void this.#save()
    return isLifted
  }

  drop (nodeId: string): void {
    this.#messenger.drop(id => id === nodeId)
    this.#table.removeAll(({ record }) => record.nodeId === nodeId)
    this.topics?.removeAll(({ record }) => record.nodeId === nodeId)
  }

  dropOutsiders (): void {
    // A session whose node is known by its record alone, which is not here any more, is made anew with the record.
    this.#messenger.drop((nodeId, record = this.#table.get(nodeId)?.record) => this.#membership.isOutsider(nodeId, record?.pairs ?? new Map()))
    this.#table.removeAll(({ record }) => this.#isOutsider(record))
    this.topics?.removeAll(({ record }) => this.#isOutsider(record))
  }

  /** Puts other limits in force. */
  limit (limits: GuardLimits): void { this.#guard.apply(limits) }

  stats (): EngineStats {
    const granted = this.#deps.sockets.map(({ receiveBufferBytes }) => receiveBufferBytes)
    return {
      sessions: this.#messenger.sessions,
      tableNodes: this.#table.size,
      liveNodes: this.#table.entries().filter(({ checks }) => checks > 0).length,
      pendingRequests: this.#messenger.pending,
      topicAds: this.topics?.ads ?? 0,
      receiveBufferBytes: granted.length === 0 ? 0 : Math.min(...granted),
    }
  }

  #send (packet: Buffer, ip: string, port: number): void {
    const family = familyOf(ip)
    for (const socket of this.#deps.sockets) if (socket.family === family) return socket.send(packet, ip, port)
    this.counts.events.send_failed++
  }

  #onRequest (from: Peer, message: Message): void {
    if (message.kind === 'ping') {
      this.#responder.pong(from, message.requestId)
      const entry = this.#table.get(from.id.toString('hex'))
      if (entry !== undefined && entry.record.seq < message.enrSeq) void this.#revalidation.fetchRecord(entry)
    } else if (message.kind === 'findnode') {
      this.#responder.nodes(from, message)
    } else if (message.kind === 'talkreq') {
      this.#responder.talk(from, message)
    } else if (message.kind === 'topic' && this.topics !== undefined) {
      this.topics.onRequest(from, message)
    } else {
      this.counts.drops.topic++
    }
  }

  #target (node: RecordLike, known?: Enr): Target {
    const record = known ?? this.#records.decode(node)
    if (record === undefined) throw new DhtError('BadRequest', 'not a valid node record')
    if (!this.#admits(record, 'call')) throw new DhtError('NoCapability', 'Only members are asked.', { reason: 'member' })
    const endpoint = this.#endpointOf(record)
    if (endpoint === undefined) throw new DhtError('BadRequest', 'the record has no UDP address that this node can reach')
    if (this.#bans.size > 0 && this.#isBanned({ record, endpoint })) throw new DhtError('Conflict', 'This node is banned here, and its answer would be dropped.', { hint: 'See ronctl bans list.' })
    return { id: record.id, ...endpoint, record }
  }

  #endpointOf (record: Enr): Endpoint | undefined {
    const families = new Set(this.#deps.sockets.map(({ family }) => family))
    return record.endpoints().find(endpoint => families.has(familyOf(endpoint.ip)) && isUsable(endpoint))
  }

  /** Takes a verified record into the table. `toldBy` is who told it; undefined for the operator and the disk. */
  #learn (record: Enr, toldBy: string | undefined): boolean {
    const isNew = (this.#table.get(record.nodeId)?.record.seq ?? -1n) < record.seq
    if (!this.#admits(record, 'table')) return false
    const endpoint = this.#endpointOf(record)
    if (endpoint === undefined || (toldBy !== undefined && !mayRelay(toldBy, endpoint.ip))) {
      this.counts.drops.table_address++
      return false
    }
    const now = this.#deps.now()
    if (this.#bans.size > 0 && (this.#bans.hasIp(endpoint.ip, now) || this.#bans.hasNode(record.nodeId, now))) return false
    const added = this.#table.add(record, endpoint)
    if (added === 'added') this.counts.events.table_added++
    if (added === 'subnet') this.counts.drops.table_subnet++
    if (isNew && (added === 'added' || added === 'known')) for (const listener of this.#listeners) this.#tell(listener, record)
    return added === 'added' || added === 'known' || added === 'replacement'
  }

  #tell (listener: (record: NodeRecord) => void, record: Enr): void {
    try {
      listener(record)
    } catch (err) {
      this.#deps.log.error({ event: 'discovery_listener_failed', err }, 'a listener of discovered records failed')
    }
  }

  #tick (): void {
    this.#messenger.tick()
    this.#revalidation.tick()
    this.topics?.tick()
    const now = this.#deps.now()
    if (now >= this.#next.save) {
      this.#next.save = now + SAVE_MS
      void this.#save()
    }
    if (now >= this.#next.forget) {
      this.#next.forget = now + FORGET_IDS_MS
      this.#guard.forgetIds()
    }
    if (now >= this.#next.refresh && !this.#isRefreshing) {
      this.#refreshMs = Math.min(2 * this.#refreshMs, REFRESH_MS)
      this.#next.refresh = now + this.#refreshMs
      void this.#refresh()
    }
  }

  #adoptAddress (family: 4 | 6): void {
    const { external } = this.#opts
    if ((family === 4 ? external.ip : external.ip6) !== undefined) return
    const winner = this.#votes.winner(family, this.#deps.now())
    if (winner !== undefined && this.#own.update(agreedOn(winner, external))) {
      this.counts.events.address_changed++
      this.#deps.log.info({ event: 'discv5_address_learned', record: this.#own.current.text }, 'other nodes agree on where discv5 is reached')
      void this.#save()
    }
  }

  /** Fills the table: a walk towards ourselves, then towards somewhere. */
  async #refresh (): Promise<void> {
    if (this.#table.size === 0) for (const text of this.#opts.bootnodes) this.addRecord(text)
    if (this.#table.size === 0) this.#refreshMs = FIRST_REFRESH_MS
    this.#isRefreshing = true
    await this.lookup(this.nodeId).catch(err => this.#deps.log.debug({ err }, 'refresh failed'))
    await this.lookup(randomBytes(32).toString('hex')).catch(err => this.#deps.log.debug({ err }, 'refresh failed'))
    this.#isRefreshing = false
  }

  /** We are a member to ourselves, whatever the list says. */
  #admits (record: Enr, place: MeetingPlace): boolean {
    if (record.nodeId === this.nodeId || this.#membership.admits(record.nodeId, record.pairs, place)) return true
    const known = this.#table.get(record.nodeId)
    if (known !== undefined && known.record.seq < record.seq) this.drop(record.nodeId) // it has taken back what let it in
    return false
  }

  #isOutsider (record: Enr): boolean {
    return this.#membership.isOutsider(record.nodeId, record.pairs)
  }

  #isBanned ({ record, endpoint }: Placed): boolean {
    const now = this.#deps.now()
    return this.#bans.hasNode(record.nodeId, now) || this.#bans.hasIp(endpoint.ip, now)
  }

  /** Nodes that answered, at most a table of them, and bans of operators. One save at a time; the last has what is so when it begins. */
  async #save (): Promise<void> {
    const { store, log } = this.#deps
    if (store === undefined) return
    const state = (): SavedState => ({
      own: this.#own.current.text,
      nodes: this.#table.entries().filter(({ checks }) => checks > 0).map(({ record }) => record.text),
      bans: this.#bans.lasting(this.#deps.now()).map(({ subject, reason, until }) => ({ subject, reason, until })),
    })
    this.#saving = this.#saving.then(async () => await store.save(state())).catch(err => log.warn({ event: 'discv5_table_not_saved', err }, 'the discv5 table cannot be saved'))
    await this.#saving
  }
}
