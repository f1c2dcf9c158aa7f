import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import type { Clock, Component } from '../../core/component.ts'
import { DhtError } from '../../core/errors.ts'
import type { Logger } from '../../observability/logger.ts'
import type { Metrics } from '../../observability/metrics.ts'
import { quotaPrefix } from '../../policy/ip-group.ts'
import type { Admission } from '../../policy/load-monitor.ts'
import type { WorkKind } from '../../policy/load-shedding.ts'
import type { PolicyGate } from '../../policy/policy-holder.ts'
import { ipOfAddress } from '../addresses.ts'
import { RpcBudgets, type BudgetLimits } from './budgets.ts'
import type { Membership } from '../members/membership.ts'
import type { RpcHandlers, Sender } from './handler.ts'
import { InboundStream } from './inbound-stream.ts'
import { decodeRequest, encodeReply, type MessageType } from './message.ts'

/** What may change while the server runs. */
export interface RpcLimits extends BudgetLimits {
  readonly readTimeoutMs: number
  readonly idleTimeoutMs: number
}

interface Options extends RpcLimits { readonly protocol: string }

interface Deps {
  readonly host: Pick<Libp2p, 'handle' | 'unhandle'>
  readonly handlers: RpcHandlers
  readonly admission: Admission
  /** Asked at every message: what it admits may change while a stream is open. */
  readonly policy?: PolicyGate | undefined
  readonly membership: Membership
  readonly metrics: Metrics['kad']
  readonly log: Logger
  readonly now: Clock
}

const SWEEP_INTERVAL_MS = 500

/** libp2p's own limit of streams a connection: above the most that our budget can be set to, so that it is ours that refuses, and counts. */
const LIBP2P_STREAMS = 2048

/** What each message asks of us. A PING is how others find out that we live. */
const KIND: Readonly<Record<MessageType, WorkKind>> = {
  PUT_VALUE: 'provide', GET_VALUE: 'lookup', ADD_PROVIDER: 'provide', GET_PROVIDERS: 'lookup', FIND_NODE: 'lookup', PING: 'control',
}

/** Serves the overlay's Kademlia protocol: the six messages, within budgets, in the order they came on each stream. */
export class RpcServer implements Component {
  readonly #protocol: string
  readonly #deps: Deps
  readonly #budgets: RpcBudgets
  /** Of all streams, those that are open too. */
  readonly #timeouts: { readTimeoutMs: number, idleTimeoutMs: number }
  /** Bounded by the stream budget. */
  readonly #streams = new Set<InboundStream>()
  #sweep: NodeJS.Timeout | undefined

  constructor (opts: Options, deps: Deps) {
    this.#protocol = opts.protocol
    this.#deps = deps
    this.#budgets = new RpcBudgets(opts)
    this.#timeouts = { readTimeoutMs: opts.readTimeoutMs, idleTimeoutMs: opts.idleTimeoutMs }
  }

  /** Puts other limits in force at once. What is open stays open, within the new timeouts. */
  apply (limits: RpcLimits): void {
    this.#budgets.apply(limits)
    this.#timeouts.readTimeoutMs = limits.readTimeoutMs
    this.#timeouts.idleTimeoutMs = limits.idleTimeoutMs
  }

  async start (): Promise<void> {
    await this.#deps.host.handle(this.#protocol, (stream, connection) => this.#accept(stream, connection), {
      maxInboundStreams: LIBP2P_STREAMS,
      maxOutboundStreams: LIBP2P_STREAMS,
    })
    this.#sweep = setInterval(() => this.#checkTimes(), SWEEP_INTERVAL_MS).unref()
  }

  async stop (): Promise<void> {
    clearInterval(this.#sweep)
    await this.#deps.host.unhandle(this.#protocol)
    for (const stream of this.#streams) stream.abort(new DhtError('NotReady', 'The daemon is stopping.'))
  }

  #accept (stream: Stream, connection: Connection): void {
    const sender = toSender(connection)
    try {
      this.#budgets.openStream(sender)
    } catch (err) {
      this.#refuse(err, sender)
      stream.abort(err as Error)
      return
    }
    const inbound: InboundStream = new InboundStream(this.#timeouts, {
      stream,
      sender,
      now: this.#deps.now,
      answer: (frame, from) => this.#answer(frame, from),
      onEnd: err => {
        this.#budgets.closeStream(sender)
        this.#streams.delete(inbound)
        this.#deps.metrics.streams.set(this.#streams.size)
        this.#refuse(err, sender)
      },
    })
    this.#streams.add(inbound)
    this.#deps.metrics.streams.set(this.#streams.size)
  }

  #answer (frame: Uint8Array, sender: Sender): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const { handlers, admission, membership, policy, metrics, log, now } = this.#deps
    if (!membership.admits(sender.id, 'rpc')) throw new DhtError('NoCapability', 'Only members are served.', { reason: 'member' })
    policy?.assertAdmits({ peerId: sender.id, ip: sender.ip })
    this.#budgets.takeRpc(sender, now())
    const startedAt = performance.now()
    const request = decodeRequest(frame)
    admission.admit(KIND[request.type])
    const finish = (outcome: string): void => {
      metrics.inboundRpc.inc({ type: request.type, outcome })
      metrics.inboundRpcSeconds.observe({ type: request.type }, (performance.now() - startedAt) / 1000)
    }
    const failed = (err: unknown): never => {
      finish(err instanceof DhtError ? err.code : 'Internal')
      if (!(err instanceof DhtError)) log.error({ event: 'rpc_failed', err, type: request.type, peer: sender.id }, 'request handler failed')
      throw err
    }
    try {
      const reply = handlers[request.type](request, sender)
      if (reply instanceof Promise) {
        return reply.then(value => {
          finish('ok')
          return encodeReply(value)
        }, failed)
      }
      finish('ok')
      return reply && encodeReply(reply)
    } catch (err) {
      return failed(err)
    }
  }

  /** Counts what we refused. Resets by the peer, and streams that just ended, are not refusals. */
  #refuse (err: unknown, sender: Sender): void {
    const { metrics, log } = this.#deps
    if (err instanceof DhtError) {
      if (err.reason !== undefined) metrics.reject(err.reason)
      log.debug({ peer: sender.id, code: err.code, reason: err.reason }, 'stream refused')
    } else if (err !== undefined && err !== null) {
      log.debug({ peer: sender.id, err }, 'stream ended by an error')
    }
  }

  #checkTimes (): void {
    const now = this.#deps.now()
    for (const stream of this.#streams) stream.checkTime(now)
  }
}

function toSender (connection: Connection): Sender {
  const { remotePeer, remoteAddr } = connection
  const ip = ipOfAddress(remoteAddr.toString())
  return { id: remotePeer.toString(), bytes: remotePeer.toMultihash().bytes, ip, prefix: ip === undefined ? undefined : quotaPrefix(ip) }
}
