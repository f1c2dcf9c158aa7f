import { join } from 'node:path'
import type { Config } from '../config/settings.ts'
import type { Component } from '../core/component.ts'
import type { ReadinessCheck } from '../core/readiness.ts'
import { Counts } from '../discv5/counts.ts'
import type { Discv5Engine } from '../discv5/engine.ts'
import { toLibp2pPorts } from '../discv5/enr/libp2p-ports.ts'
import { Meter } from '../discv5/meter.ts'
import { NativeEngine } from '../discv5/native-engine.ts'
import { createEphemeralNodeKey, openSealedNodeKey } from '../discv5/node-key.ts'
import { FileStateStore } from '../discv5/saved-state.ts'
import { hearsSomebody } from '../discv5/plane-readiness.ts'
import { loadSecp256k1 } from '../discv5/secp256k1.ts'
import { parseEndpoint, UdpSocket } from '../discv5/socket.ts'
import type { Host } from '../kad/host.ts'
import type { Surroundings } from './surroundings.ts'

export interface Discv5Plane {
  /** Undefined when the plane is off. */
  readonly engine: Discv5Engine | undefined
  readonly components: readonly Component[]
  readonly checks: readonly ReadinessCheck[]
  /** For `/version`. */
  readonly features: readonly string[]
}

/** discv5 theory, § Lookup: α. */
const LOOKUP_CONCURRENCY = 3
/** Ping intervals within which a node that lives has answered: the slowest are asked after 4.5. */
const LAPSE_INTERVALS = 5
/** Time-outs and bans must not hang on somebody setting the clock back. */
const steadyNow = (): number => Math.floor(performance.timeOrigin + performance.now())

/** The discv5 plane; nothing of it when it is off. It starts after the libp2p host, whose ports its record tells. */
export async function composeDiscv5 ({ discv5, identity, node }: Config, { log: parentLog, metrics }: Surroundings, host: Host): Promise<Discv5Plane> {
  if (!discv5.enabled) return { engine: undefined, components: [], checks: [], features: [] }
  const log = parentLog.child({ component: 'discv5' })
  const secp256k1 = loadSecp256k1()
  const counts = new Counts()
  const key = discv5.keyFile === '' ? createEphemeralNodeKey(secp256k1) : await openSealedNodeKey(discv5.keyFile, identity.passphraseFile, secp256k1)
  const lasts = node.profile === 'macronode' && node.dataDir !== ''
  const engine = new NativeEngine({
    ...discv5,
    external: {
      ...discv5.externalIp !== '' && { ip: discv5.externalIp },
      ...discv5.externalIp6 !== '' && { ip6: discv5.externalIp6 },
      ...discv5.externalPort !== 0 && { udp: discv5.externalPort, udp6: discv5.externalPort },
    },
    limits: { ...discv5, banMs: discv5.banTime },
    requestTimeoutMs: discv5.requestTimeout,
    pingIntervalMs: discv5.pingInterval,
    lookupConcurrency: LOOKUP_CONCURRENCY,
    votes: discv5.addressVotes,
  }, {
    key,
    secp256k1,
    sockets: discv5.listen.map(address => new UdpSocket(parseEndpoint(address), () => { counts.events.send_failed++ })),
    store: lasts ? new FileStateStore(join(node.dataDir, 'discv5.json')) : undefined,
    libp2p: () => ({ ...toLibp2pPorts(host.getMultiaddrs().map(String)), libp2p: host.peerId.toMultihash().bytes }),
    counts,
    log,
    now: steadyNow,
    random: Math.random,
  })
  return {
    engine,
    components: [engine, new Meter({ engine, counts, metrics: metrics.discv5 })],
    checks: [hearsSomebody({ bootnodes: discv5.bootnodes.length, lapseMs: LAPSE_INTERVALS * discv5.pingInterval }, { engine, now: steadyNow })],
    features: ['discv5', ...engine.features],
  }
}
