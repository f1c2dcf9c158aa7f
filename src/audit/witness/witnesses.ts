import type { Component } from '../../core/component.ts'
import type { Logger } from '../../observability/logger.ts'
import type { Metrics } from '../../observability/metrics.ts'
import type { VerifierKey } from '../format/note.ts'
import { PolicyError, quorumSize, quorumWitnesses, type Policy } from '../format/policy.ts'
import { Witness, type Pace, type WitnessedLog } from './witness.ts'

export interface WitnessesDeps {
  readonly policy: Policy
  readonly log: WitnessedLog
  readonly metrics: Metrics['audit']
  readonly logger: Logger
}

/** Has the checkpoints of the log cosigned, by each witness at its own pace: none holds up the log, or another one. */
export class Witnesses implements Component {
  readonly #deps: WitnessesDeps
  readonly #witnesses: ReadonlyArray<{ readonly name: string, readonly witness: Witness }>
  /** What each key has cosigned. Bounded by the policy. */
  readonly #sizes = new Map<VerifierKey, number>()
  readonly #stopping = new AbortController()
  #running: Promise<unknown> = Promise.resolve()
  #unsubscribe = (): void => {}

  constructor (pace: Pace, deps: WitnessesDeps) {
    this.#deps = deps
    this.#witnesses = witnessesByUrl(deps.policy).map(({ name, url, keys }) => ({
      name,
      witness: new Witness({ url, keys }, pace, {
        log: deps.log,
        onCosigned: (size, signed) => {
          for (const key of signed) this.#sizes.set(key, size)
          this.#measure()
        },
        onAnswer: (outcome, message) => {
          deps.metrics.witnessed.inc({ witness: name, outcome })
          // The first two say that the log is not what it was: only an operator can tell whether that is true.
          if (outcome === 'ahead' || outcome === 'inconsistent') deps.logger.error({ event: 'witness_contradicts', witness: name, outcome }, `audit log: a witness did not cosign: ${message}`)
          else if (outcome !== 'cosigned') deps.logger.warn({ event: 'witness_failed', witness: name, outcome }, `audit log: a witness did not cosign: ${message}`)
        },
      }),
    }))
  }

  async start (): Promise<void> {
    const { metrics, policy } = this.#deps
    metrics.witnessLag.reset() // of witnesses of another policy
    metrics.witnesses.set(quorumWitnesses(policy).length)
    this.#unsubscribe = this.#deps.log.onCheckpoint(() => {
      this.#measure()
      for (const { witness } of this.#witnesses) witness.wake()
    })
    this.#measure()
    this.#running = Promise.all(this.#witnesses.map(async ({ witness }) => await witness.run(this.#stopping.signal)))
  }

  async stop (): Promise<void> {
    this.#unsubscribe()
    this.#stopping.abort()
    for (const { witness } of this.#witnesses) witness.wake()
    await this.#running
  }

  #measure (): void {
    const { policy, log, metrics } = this.#deps
    const { published } = log.head()
    for (const { name, key, url } of policy.witnesses) if (url !== undefined) metrics.witnessLag.set({ witness: name }, Math.max(0, published - (this.#sizes.get(key) ?? 0)))
    const witnessed = quorumSize(policy, ({ key }) => this.#sizes.get(key) ?? 0)
    metrics.quorumSize.set(Number.isFinite(witnessed) ? witnessed : published)
  }
}

interface Named { readonly name: string, readonly url: string, readonly keys: readonly VerifierKey[] }

/** A witness with two keys has two lines in a policy, and one address: it is asked once. Named by its first line. */
function witnessesByUrl ({ witnesses }: Policy): Named[] {
  const byUrl = Map.groupBy(witnesses.filter(({ url }) => url !== undefined), ({ url = '' }) => trimSlash(url))
  return [...byUrl].map(([url, [first, ...rest]]) => ({ name: first?.name ?? '', url, keys: [first, ...rest].flatMap(witness => witness?.key ?? []) }))
}

/**
 * A policy by which witnesses can be asked: at https addresses, or http on loopback.
 * @throws {PolicyError}
 */
export function assertReachable (policy: Policy): void {
  const mistakes = policy.witnesses.flatMap(({ url, line }) => {
    const fault = url === undefined ? undefined : findUrlFault(url)
    return fault === undefined ? [] : [`line ${line}: the address of the witness ${fault}`]
  })
  if (quorumSize(policy, ({ url }) => url === undefined ? 0 : 1) < 1) mistakes.push('the witnesses with an address are no quorum')
  if (mistakes.length > 0) throw new PolicyError(mistakes)
}

function findUrlFault (text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null) return 'is not a URL'
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) return 'is neither https nor http on loopback'
  if (url.username !== '' || url.password !== '') return 'has a name or password in it'
  if (url.search !== '' || url.hash !== '') return 'has a query or fragment'
  return undefined
}

function isLoopback (hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

function trimSlash (url: string): string {
  return url.replace(/\/+$/, '')
}
