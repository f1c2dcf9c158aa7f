import { join } from 'node:path'
import type { Config } from '../config/settings.ts'
import type { Component } from '../core/component.ts'
import type { ReadinessCheck } from '../core/readiness.ts'
import { loadLibrary } from '../discv5/chainsafe/convert.ts'
import { ChainsafeEngine } from '../discv5/chainsafe/engine.ts'
import { Counts } from '../discv5/counts.ts'
import type { Discv5Engine } from '../discv5/engine.ts'
import { toLibp2pPorts } from '../discv5/enr/libp2p-ports.ts'
import type { OwnAddresses } from '../discv5/enr/own-record.ts'
import { decodeRecord } from '../discv5/enr/record.ts'
import { Members } from '../discv5/members/members.ts'
import type { JudgeMember } from '../discv5/members/membership.ts'
import { Meter } from '../discv5/meter.ts'
import { NativeEngine } from '../discv5/native-engine.ts'
import { createEphemeralNodeKey, openSealedNodeKey, type NodeKey } from '../discv5/node-key.ts'
import { FileStateStore } from '../discv5/saved-state.ts'
import { hearsSomebody } from '../discv5/plane-readiness.ts'
import type { GuardLimits } from '../discv5/protect/guard.ts'
import { loadSecp256k1, type Secp256k1 } from '../discv5/secp256k1.ts'
import { parseEndpoint, UdpSocket } from '../discv5/socket.ts'
import { TOPIC_PARAMETERS } from '../discv5/topics/parameters.ts'
import type { Host } from '../kad/host.ts'
import type { Logger } from '../observability/logger.ts'
import type { Surroundings } from './surroundings.ts'

export interface Discv5Plane {
  /** Undefined when the plane is off. */
  readonly engine: Discv5Engine | undefined
  readonly components: readonly Component[]
  readonly checks: readonly ReadinessCheck[]
  /** Puts other limits in force; of the native engine, since the other has none. */
  apply (settings: Config['discv5']): void
  /** Puts another list of members in force, and takes at once what those have whom it shuts out. */
  setMembers (judge: JudgeMember | undefined): void
  /** For `/version`. */
  readonly features: readonly string[]
}

/** discv5 theory, § Lookup: α. */
const LOOKUP_CONCURRENCY = 3
const FIRST_REFRESH_MS = 500
/** Ping intervals within which a node that lives has answered: the slowest are asked after 4.5. */
const LAPSE_INTERVALS = 5
/** Time-outs and bans must not hang on somebody setting the clock back. */
const steadyNow = (): number => Math.floor(performance.timeOrigin + performance.now())

/** What is said at the start of a daemon whose engine is `chainsafe`. */
const CHAINSAFE_LACKS = [
  'limits and bans', 'address votes', 'a table that outlasts a restart', 'subnet limits', 'checks before a node is told to others', 'counts of packets',
  'an end of requests under way to who leaves the members', 'topics',
] as const

interface Parts {
  readonly key: NodeKey
  readonly secp256k1: Secp256k1
  readonly counts: Counts
  readonly membership: Members
  readonly libp2p: () => OwnAddresses
  readonly log: Logger
}

/** The discv5 plane; nothing of it when it is off. It starts after the libp2p host, whose ports its record tells. */
export async function composeDiscv5 (config: Config, { log: parentLog, metrics }: Surroundings, host: Host): Promise<Discv5Plane> {
  const { discv5, identity } = config
  if (!discv5.enabled) return { engine: undefined, components: [], checks: [], apply: () => {}, setMembers: () => {}, features: [] }
  const secp256k1 = loadSecp256k1()
  const counts = new Counts()
  const membership = new Members({ counts })
  const parts: Parts = {
    key: discv5.keyFile === '' ? createEphemeralNodeKey(secp256k1) : await openSealedNodeKey(discv5.keyFile, identity.passphraseFile, secp256k1),
    secp256k1,
    counts,
    membership,
    libp2p: () => ({ ...toLibp2pPorts(host.getMultiaddrs().map(String)), libp2p: host.peerId.toMultihash().bytes }),
    log: parentLog.child({ component: 'discv5' }),
  }
  const engine = discv5.engine === 'native' ? createNative(config, parts) : await createChainsafe(config, parts)
  return {
    engine,
    components: [engine, new Meter({ engine, counts, metrics: metrics.discv5 })],
    checks: [hearsSomebody({ bootnodes: discv5.bootnodes.length, lapseMs: LAPSE_INTERVALS * discv5.pingInterval }, { engine, now: steadyNow })],
    apply: settings => { if (engine instanceof NativeEngine) engine.limit(limitsOf(settings)) },
    setMembers: judge => {
      membership.replace(judge)
      engine.dropOutsiders()
    },
    features: ['discv5', ...(engine.name === 'native' ? [] : [`discv5-${engine.name}`]), ...engine.features],
  }
}

function limitsOf (discv5: Config['discv5']): GuardLimits {
  return { ...discv5, banMs: discv5.banTime }
}

function createNative ({ discv5, node }: Config, { counts, ...parts }: Parts): Discv5Engine {
  const lasts = node.profile === 'macronode' && node.dataDir !== ''
  return new NativeEngine({
    ...discv5,
    external: {
      ...discv5.externalIp !== '' && { ip: discv5.externalIp },
      ...discv5.externalIp6 !== '' && { ip6: discv5.externalIp6 },
      ...discv5.externalPort !== 0 && { udp: discv5.externalPort, udp6: discv5.externalPort },
    },
    limits: limitsOf(discv5),
    requestTimeoutMs: discv5.requestTimeout,
    pingIntervalMs: discv5.pingInterval,
    lookupConcurrency: LOOKUP_CONCURRENCY,
    votes: discv5.addressVotes,
    topics: discv5.topics ? TOPIC_PARAMETERS : undefined,
  }, {
    ...parts,
    sockets: discv5.listen.map(address => new UdpSocket(parseEndpoint(address), () => { counts.events.send_failed++ })),
    store: lasts ? new FileStateStore(join(node.dataDir, 'discv5.json')) : undefined,
    counts,
    now: steadyNow,
    random: Math.random,
  })
}

async function createChainsafe ({ discv5 }: Config, { key, secp256k1, libp2p, membership, log }: Parts): Promise<Discv5Engine> {
  log.warn({ event: 'discv5_engine_limited', lacks: CHAINSAFE_LACKS }, 'discv5.engine is chainsafe, which lacks protection that the native engine has: it is for comparison')
  const listen = parseEndpoint(discv5.listen[0] as string)
  const ip = listen.ip.includes(':') ? discv5.externalIp6 : discv5.externalIp
  return new ChainsafeEngine({
    ...discv5,
    listen,
    announce: { ...ip !== '' && { ip }, ...discv5.externalPort !== 0 && { port: discv5.externalPort } },
    requestTimeoutMs: discv5.requestTimeout,
    pingIntervalMs: discv5.pingInterval,
    firstRefreshMs: FIRST_REFRESH_MS,
  }, { library: await loadLibrary(), key, readRecord: bytes => decodeRecord(bytes, secp256k1), libp2p, membership, log, now: steadyNow })
}
