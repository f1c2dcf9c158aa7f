import { isIP } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { parsePeerId } from '../core/peer-id.ts'
import { parsePredicate } from '../core/record-predicate.ts'
import { bool, choice, duration, int, list, listener, text, type ConfigOf } from './setting.ts'

/** The public IPFS network's protocol; its specification fixes some values for everyone who serves it. */
export const AMINO_PROTOCOL = '/ipfs/kad/1.0.0'

const PROFILES = ['open', 'standard', 'strict'] as const

/** Keys and peers that were looked up go there: over TLS, or not beyond this machine. No credentials in the URL. */
const COLLECTOR = /^$|^https:\/\/[^\s@?#]+$|^http:\/\/(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d{1,5})?(\/[^\s@?#]*)?$/

/** Members of one list of the policy, as a file gives them. */
const MAX_LISTED = 100_000

/** Every setting the daemon has. Flag, variable, file key, validation and reference page are derived from this table. */
export const settings = {
  node: {
    profile: choice('What the daemon is run for: `micronode` keeps everything in memory, `macronode` is a server with keys and records that last.', ['micronode', 'macronode'], 'micronode'),
    dataDir: text('Directory of what outlasts the daemon: provider records, the audit log, and the peers it knew. Created at the first start; must be 0700 and ours. A macronode with one needs `identity.keyFile`.', '', { form: 'path, or empty for none' }),
    toleratedLag: duration('How late the event loop may run before work is refused: closest-peer lookups from here on, other lookups from twice, announcements from four and the admin API from eight times as late. Readiness and metrics never are.', '200ms', { min: '10ms', max: '10s' }),
    drainTimeout: duration('How long requests in flight may take to finish after SIGTERM.', '5s', { max: '60s' }),
  },
  log: {
    level: choice('Least severe message that is logged.', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
  },
  identity: {
    keyFile: text('File of the sealed identity key; created on first start. Empty: a new identity each start.', '', { form: 'path' }),
    passphraseFile: text('File whose first line opens `identity.keyFile`. Must be readable by its owner alone.', '', { form: 'path', sensitive: true }),
  },
  kad: {
    protocol: text('Protocol of the overlay to join. Overlays with the same protocol merge when they meet.', '/ron/kad/1.0.0', { form: '`/<overlay>/kad/<version>`', pattern: /^\/[\w.-]+(\/[\w.-]+)*\/kad\/[\w.-]+$/, governed: true }),
    listen: list('Addresses to listen on. QUIC is skipped with a warning where its native package is missing.', ['/ip4/127.0.0.1/tcp/7460', '/ip4/127.0.0.1/udp/7460/quic-v1', '/ip4/127.0.0.1/tcp/7464/ws'], { form: 'multiaddrs', max: 16, check: assertMultiaddr }),
    announce: list('Addresses told to others instead of the listen addresses, for a daemon behind a port forward.', [], { form: 'multiaddrs', max: 16, check: assertMultiaddr }),
    bootstrap: list('Peers through which to join. At least one must answer for the daemon to be ready.', [], { form: 'multiaddrs that end in `/p2p/<peer ID>`', max: 64, check: assertPeerMultiaddr, governed: true }),
    bootstrapProbeInterval: duration('How often each bootstrap peer is asked whether it lives.', '5s', { min: '100ms', max: '10s' }),
    bootstrapLapse: duration('How long an answer of a bootstrap peer counts.', '20s', { min: '500ms', max: '25s' }),
    addresses: choice('Which peer addresses to keep and pass on: `public` drops private, loopback and link-local ones, `any` keeps all.', ['public', 'any'], 'public', { governed: true }),
    bucketSize: int('Kademlia bucket size, k: peers a bucket, a reply and a lookup hold.', 20, { min: 1, max: 256, governed: true }),
    concurrency: int('RPCs a lookup keeps in flight on each path, α.', 10, { min: 1, max: 20, governed: true }),
    disjointPaths: int('Paths of a lookup that share no peer.', 2, { min: 1, max: 20, governed: true }),
    warmTable: int('Peers in the routing table from which on it counts as warm.', 1, { min: 1, max: 20 }),
    tableRefreshInterval: duration('How long a peer may stay in the routing table without having answered.', '10m', { min: '1s', max: '1h' }),
    peersPerIpGroup: int('Peers of one IP group (IPv4 /16, old class A /8, IPv6 /32) in the whole routing table. Loopback and private addresses are exempt.', 3, { min: 1, max: 1000, governed: true }),
    peersPerIpGroupInBucket: int('Peers of one IP group in one bucket.', 2, { min: 1, max: 256, governed: true }),
    maxConnections: int('Connections held at once; the least useful are closed beyond it.', 1000, { min: 8, max: 100_000 }),
    inboundConnectionsPerSecond: int('New connections accepted a second from one host.', 20, { min: 1, max: 10_000 }),
    streamsPerPeer: int('Open DHT streams one peer may have.', 32, { min: 1, max: 1024 }),
    streamsPerPrefix: int('Open DHT streams of one /24 (IPv6: /48). Loopback is exempt.', 1024, { min: 1, max: 1_000_000 }),
    streams: int('Open DHT streams in all.', 8192, { min: 16, max: 1_000_000 }),
    readTimeout: duration('How long a stream may take to bring its next whole message.', '10s', { min: '100ms', max: '60s' }),
    idleTimeout: duration('How long a stream may stay open between messages.', '60s', { min: '100ms', max: '10m' }),
    rpcsPerPeerPerSecond: int('RPCs a second answered to one peer, with four seconds’ worth in reserve.', 500, { min: 1, max: 1_000_000, governed: true }),
    rpcsPerPrefixPerSecond: int('RPCs a second answered to one /24 (IPv6: /48), with four seconds’ worth in reserve.', 2000, { min: 1, max: 1_000_000, governed: true }),
  },
  discv5: {
    enabled: bool('Whether the daemon is a discv5 node as well.', true),
    engine: choice('What speaks discv5: `native` is ours; `chainsafe` is `@chainsafe/discv5`, for comparison: without limits, bans, address votes and a table that lasts.', ['native', 'chainsafe'], 'native'),
    listen: list('Where discv5 listens (UDP); at most one address of each family. Port 0 picks a free one.', ['127.0.0.1:7461'], { form: '`host:port` or `[v6]:port`', max: 2, check: assertEndpoint }),
    externalIp: text('IPv4 address told in the record, for a daemon behind a port forward. Empty: where it listens, or what other nodes agree on.', '', { form: 'IPv4 address, or empty', pattern: /^$|^\d{1,3}(\.\d{1,3}){3}$/ }),
    externalIp6: text('IPv6 address told in the record.', '', { form: 'IPv6 address, or empty', pattern: /^$|^[0-9a-fA-F:]+$/ }),
    externalPort: int('UDP port told in the record; 0 for the one it listens on.', 0, { max: 65_535 }),
    bootnodes: list('Records of nodes through which to join.', [], { form: 'records `enr:…`', max: 64, check: assertRecordText, governed: true }),
    keyFile: text('File of the sealed secp256k1 key of the node ID; created on first start, opened by `identity.passphraseFile`. Empty: a new node ID each start.', '', { form: 'path' }),
    sessions: int('Sessions held; the one that was quiet longest goes first.', 5000, { min: 16, max: 1_000_000 }),
    requestTimeout: duration('How long a node may take to answer one attempt.', '500ms', { min: '50ms', max: '10s' }),
    retries: int('Attempts after the first.', 2, { max: 10 }),
    pingInterval: duration('How often a node of the table is asked whether it lives, on average; one that answered is asked a third as often.', '30s', { min: '100ms', max: '1h' }),
    addressVotes: int('Nodes, each of another subnet, that must agree on our address before the record says it.', 10, { min: 2, max: 100 }),
    packetsPerSecond: int('Packets a second handled in all, with four seconds’ worth in reserve.', 50_000, { min: 1, max: 10_000_000 }),
    packetsPerIpPerSecond: int('Packets a second handled of one IP. Loopback is exempt.', 200, { min: 1, max: 1_000_000, governed: true }),
    packetsPerSubnetPerSecond: int('Packets a second handled of one /24 (IPv6: /64). Loopback is exempt.', 1000, { min: 1, max: 1_000_000, governed: true }),
    packetsPerNodePerSecond: int('Messages a second handled of one node.', 100, { min: 1, max: 1_000_000, governed: true }),
    nodeIdsPerIp: int('Node IDs of one public IP (IPv6: /64) that get a session, in an hour.', 10, { min: 1, max: 10_000, governed: true }),
    whoareyouPerIpPerSecond: int('WHOAREYOU packets a second sent to one IP, whose address may be forged.', 20, { min: 1, max: 1_000_000, governed: true }),
    handshakesPerSecond: int('Handshakes a second worked on, and four times as many WHOAREYOU sent to all together; a quarter of either rate is kept for nodes we know.', 1000, { min: 1, max: 100_000 }),
    topics: bool('Whether the node keeps advertisements of topics for others and finds who advertises one (topic discovery, native engine only).', false),
    banAfter: int('Messages over the limit of a node within a minute after which its public IP is shut out. Packets outside a session never count: anybody can forge them.', 2000, { min: 1, max: 10_000_000 }),
    banTime: duration('How long it is shut out.', '10m', { min: '1s', max: '7d' }),
  },
  bridge: {
    enabled: bool('Whether nodes that discv5 finds are dialled over libp2p, and join the Kademlia plane.', true),
    predicates: list('What the record of a node must say for it to be dialled; all of them must hold.', [], { form: '`key`, `key=text`, `key=0x…`, `key^=0x…/bits`, `eth~=digest|digest@time` or `eth2~=…`', max: 32, check: assertPredicate }),
    waiting: int('Nodes that wait to be dialled; more are dropped.', 1000, { min: 1, max: 100_000 }),
    dialsAtOnce: int('Dials under way at once.', 4, { min: 1, max: 64 }),
    dialsPerSecond: int('Dials begun a second, with four seconds’ worth in reserve.', 5, { min: 1, max: 1000 }),
    remembered: int('Nodes remembered as handled, and as whose peer is known; the oldest goes first.', 10_000, { min: 1, max: 1_000_000 }),
    rememberedFor: duration('How long a node is not dialled again, unless its record changes or the dial failed: then `bridge.retryAfter` holds.', '1h', { min: '1s', max: '7d' }),
    retryAfter: duration('How long a node is left alone that was not reached, or whose record changed since.', '1m', { min: '100ms', max: '1h' }),
  },
  providers: {
    store: choice('Where provider records are held: `memory` loses them with the process, `persistent` keeps them in `node.dataDir` as well.', ['memory', 'persistent'], 'memory'),
    ttl: duration('How long a provider record is served after its last announcement. On `/ipfs/kad/1.0.0` it is 48h, as its specification demands.', '24h', { min: '1s', max: '48h', governed: true }),
    maxTtl: duration('Longest TTL an announcement of this daemon may ask for.', '48h', { min: '1s', max: '48h', governed: true }),
    records: int('Provider records held in all.', 1_000_000, { min: 1, max: 100_000_000, governed: true }),
    recordsPerPeer: int('Provider records held of one peer.', 100_000, { min: 1, max: 100_000_000, governed: true }),
    recordsPerPrefix: int('Provider records held of one /24 (IPv6: /48). Loopback is exempt.', 300_000, { min: 1, max: 100_000_000, governed: true }),
    recordsPerKey: int('Providers held of one key. A full key keeps those it has and still accepts their refreshes.', 1000, { min: 1, max: 100_000, governed: true }),
    addsPerPeerPerSecond: int('Announcements a second accepted from one peer, with four seconds’ worth in reserve.', 200, { min: 1, max: 1_000_000, governed: true }),
    republishFraction: int('Percent of its TTL after which an announcement of this daemon is repeated.', 45, { min: 5, max: 90 }),
    announced: int('Keys this daemon announces for its operator.', 100_000, { min: 1, max: 10_000_000 }),
  },
  values: {
    ttl: duration('How long a value is served after it was stored.', '48h', { min: '1s', max: '48h', governed: true }),
    records: int('Values held in all.', 100_000, { min: 1, max: 10_000_000, governed: true }),
    recordsPerPeer: int('Values held of one peer that stored them.', 1000, { min: 1, max: 1_000_000, governed: true }),
  },
  lookup: {
    deadline: duration('Longest a lookup walks the network; below the 30 s after which clients give up.', '25s', { min: '100ms', max: '28s', governed: true }),
    concurrent: int('Lookups that walk the network at once; more are refused.', 256, { min: 1, max: 10_000 }),
    cacheEntries: int('Answers of recent walks kept.', 10_000, { min: 0, max: 1_000_000 }),
    cacheTtl: duration('How long the answer of a walk that found something is used again.', '5m', { max: '1h' }),
    cacheEmptyTtl: duration('How long the answer of a walk that found nothing is used again.', '15s', { max: '5m' }),
  },
  public: {
    listen: listener('Where the public HTTP API (Delegated Routing V1) listens.', '127.0.0.1:7462'),
    jsonRecords: int('Records in one JSON answer.', 100, { min: 1, max: 1000 }),
    ndjsonRecords: int('Records in one NDJSON stream.', 1000, { min: 1, max: 100_000 }),
    inFlight: int('Requests in flight; more get 503.', 512, { min: 1, max: 100_000 }),
    requestsPerPrefixPerSecond: int('Requests a second answered to one /24 (IPv6: /48), with four seconds’ worth in reserve; more get 429.', 500, { min: 1, max: 1_000_000, governed: true }),
    ipnsPut: bool('Whether clients may publish IPNS records.', true, { governed: true }),
    ethereumIdentity: bool('Whether the record of the discv5 node is also where the tools of Ethereum look for it: `GET /eth/v1/node/identity`, and `discv5_nodeInfo` by JSON-RPC on `POST /`.', false),
  },
  admin: {
    socket: text('Unix socket of the admin API. Its directory must be 0700 and ours. Default: `$XDG_RUNTIME_DIR/svc-dht/admin.sock`, else `/tmp/svc-dht-<uid>/admin.sock`.', '', { form: 'path, or empty for the default' }),
    listen: listener('Address of the admin API over TCP, beside the socket. Anything but loopback needs `admin.tlsCert`.', ''),
    tlsCert: text('Certificate of the TCP admin API and its intermediates, in PEM: TLS 1.3 only. Read again at SIGHUP.', '', { form: 'path, or empty for plain HTTP on loopback' }),
    tlsKey: text('Private key of `admin.tlsCert`, in PEM. Not used while everybody on the machine may read it.', '', { form: 'path, or empty', sensitive: true }),
    tlsClientCa: text('Who signs the certificates that clients of the TCP admin API must show, in PEM.', '', { form: 'path, or empty for none' }),
    inFlight: int('Requests in flight; more get 503.', 64, { min: 1, max: 10_000 }),
    grants: int('Capabilities in force at once; to mint more is refused until some are revoked or expire. Those that are there when this is lowered stay.', 10_000, { min: 1, max: 100_000 }),
    requestsPerPrincipalPerSecond: int('Requests a second answered to one capability, with four seconds’ worth in reserve; more get 429. A capability may say less.', 500, { min: 1, max: 1_000_000 }),
  },
  policy: {
    profile: choice('How much the policy trusts: `open` asks for no origin, `strict` admits only the listed once anybody is, and halves request rates.', PROFILES, 'standard', { governed: true }),
    denyPeers: list('Peers that are not served.', [], { form: 'peer IDs', max: MAX_LISTED, check: assertPeerId, governed: true }),
    denyPrefixes: list('IP prefixes that are not served. Deny wins over allow.', [], { form: '`address/length`', max: MAX_LISTED, check: assertText, governed: true }),
    denyAsns: list('AS numbers that are not served; needs `policy.asnDatabase`.', [], { form: 'numbers', max: MAX_LISTED, check: assertAsn, governed: true }),
    denyCountries: list('Countries that are not served; needs `policy.countryDatabase`.', [], { form: 'ISO 3166-1 codes of two letters', max: 300, check: assertCountry, governed: true }),
    allowPeers: list('Peers that are served; in the profile `strict` only those that an allow list names.', [], { form: 'peer IDs', max: MAX_LISTED, check: assertPeerId, governed: true }),
    allowPrefixes: list('IP prefixes that are served.', [], { form: '`address/length`', max: MAX_LISTED, check: assertText, governed: true }),
    allowAsns: list('AS numbers that are served; needs `policy.asnDatabase`.', [], { form: 'numbers', max: MAX_LISTED, check: assertAsn, governed: true }),
    allowCountries: list('Countries that are served; needs `policy.countryDatabase`.', [], { form: 'ISO 3166-1 codes of two letters', max: 300, check: assertCountry, governed: true }),
    asnDatabase: text('MaxMind DB file that tells the AS number of an address. Read again when it is replaced.', '', { form: 'path, or empty for none' }),
    countryDatabase: text('MaxMind DB file that tells the country of an address. Read again when it is replaced.', '', { form: 'path, or empty for none' }),
    databaseInterval: duration('How often the database files are looked at.', '5s', { min: '100ms', max: '1h' }),
  },
  governance: {
    genesis: text('File of the genesis that governs this daemon: the signed first state of its network. Afterwards the audit log decides, and values marked as governed are no longer taken from here. Empty: the daemon is not governed.', '', { form: 'path, or empty for none' }),
  },
  audit: {
    origin: text('Identifies the audit log in its checkpoints, as a URL without scheme. Empty: `svc-dht/<peer ID>`. Another origin is another log.', '', { form: 'text without spaces and `+`, or empty', pattern: /^[^\s+]{0,200}$/ }),
    groupDelay: duration('How long an entry waits for others to share its way to the disk.', '2ms', { max: '10ms' }),
    checkpointInterval: duration('Longest time until a new entry is under a signed checkpoint.', '1s', { min: '10ms', max: '1m' }),
    checkpointRefresh: duration('Longest age of the signed checkpoint while no entries come. Whoever verifies with `--max-age` allows some more.', '1h', { min: '1m', max: '24h' }),
    witnessPolicy: text('File of a trust policy (C2SP tlog-policy) whose witnesses are asked to cosign the checkpoint, at https addresses, or http on loopback. Needs a log on disk. Read again at SIGHUP. Empty: nobody is asked.', '', { form: 'path, or empty for none' }),
    retention: duration('How long an entry is published at least. Then its bundle is not served any more; its hash stays, and on disk so does the entry, for the replay at a start.', '365d', { min: '90d', max: '3650d' }),
    queued: int('Entries that wait for the disk; more are refused.', 8192, { min: 1, max: 100_000 }),
    memoryBytes: int('Bytes of a log that is kept in memory. Beyond half of it the oldest entries are let go, but never the last 256.', 64 * 1024 * 1024, { min: 65_536 }),
  },
  tracing: {
    endpoint: text('Where a collector takes traces, OTLP over HTTP, usually `http://127.0.0.1:4318/v1/traces`. Empty: no traces are taken, and OpenTelemetry’s SDK is not loaded.', '', { form: '`https://…`, or `http://…` on loopback, or empty', pattern: COLLECTOR }),
    oneIn: int('One in so many of the traces that begin here is taken; 1 takes all. A caller of the admin API that sends a `traceparent` decides itself.', 100, { min: 1, max: 1_000_000 }),
    queue: int('Spans that wait for the collector; more are dropped and counted.', 4096, { min: 64, max: 65_536 }),
    interval: duration('How long spans wait for others to be sent with.', '1s', { min: '10ms', max: '30s' }),
    timeout: duration('How long the collector may take for one batch; never more than half of `node.drainTimeout`.', '2s', { min: '100ms', max: '10s' }),
  },
  ops: {
    listen: listener('Where /healthz, /readyz, /metrics and /version listen.', '127.0.0.1:9909'),
  },
} as const

export type Config = ConfigOf<typeof settings>

function assertPeerId (value: string): void {
  if (parsePeerId(value) === undefined) throw new Error(`${value} is not a peer ID`)
}

function assertText (value: string): void {
  if (!/^[0-9a-fA-F:.]+(\/\d{1,3})?$/.test(value)) throw new Error(`${value} is not an IP prefix`)
}

function assertAsn (value: string): void {
  if (!/^\d{1,10}$/.test(value) || Number(value) > 0xffff_ffff) throw new Error(`${value} is not an AS number`)
}

function assertCountry (value: string): void {
  if (!/^[A-Z]{2}$/.test(value)) throw new Error(`${value} is not a country code of two capital letters`)
}

function assertEndpoint (value: string): void {
  const [, v4, v6, port] = /^(?:([\d.]+)|\[([0-9a-fA-F:]+)\]):(\d{1,5})$/.exec(value) ?? []
  if ((v4 === undefined && v6 === undefined) || !isIP(v4 ?? v6 ?? '') || Number(port) > 65_535) throw new Error(`${value} must be an IP and a port`)
}

function assertRecordText (value: string): void {
  if (!/^enr:[\w-]{1,400}$/.test(value)) throw new Error(`${value.slice(0, 40)} is not a record in text form`)
}

function assertPredicate (value: string, index: number): void {
  try {
    parsePredicate(value)
  } catch (err) {
    throw new Error(`predicate ${index + 1}: ${(err as Error).message}`, { cause: err })
  }
}

function assertMultiaddr (value: string): void {
  try {
    multiaddr(value)
  } catch (err) {
    throw new Error(`${value} is not a multiaddr`, { cause: err })
  }
}

function assertPeerMultiaddr (value: string): void {
  assertMultiaddr(value)
  if (multiaddr(value).getComponents().at(-1)?.name !== 'p2p') {
    throw new Error(`${value} must end in /p2p/<peer ID>, so that nobody else can answer in its place`)
  }
}
