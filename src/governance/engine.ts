import type { Component } from '../core/component.ts'
import type { ActionLog } from '../core/control-action.ts'
import { DhtError } from '../core/errors.ts'
import type { ReadinessCheck } from '../core/readiness.ts'
import type { Logger } from '../observability/logger.ts'
import type { Metrics } from '../observability/metrics.ts'
import { CanaryWatch, type CanarySignals, type Verdict } from './canary-watch.ts'
import { EffectRunner, type Effects } from './effects.ts'
import { genesisAction, inputAction, nameOf, type Caller } from './event.ts'
import { showLedger, showRoot } from './gauges.ts'
import { ownCanaries, safeSections, sectionsInForce } from './in-force.ts'
import { Keeper } from './keeper.ts'
import { statementId, type Ledger, type Tracked } from './ledger.ts'
import { load, mentionsGovernance, type Loaded } from './load.ts'
import { describeRefused, isPqDowngrade } from './refused-input.ts'
import { RefusalLog } from './refusal-log.ts'
import { refused, type GovernanceReason } from './refusal.ts'
import { IntegrityFault, type LoggedEntry } from './replay.ts'
import type { SealedText } from './sealed.ts'
import { parseStatement } from './statement.ts'
import { step, type Input } from './step.ts'
import { stateRoot, type Sections, type State } from './state.ts'
import type { GovernanceStore } from './store.ts'
import { upcoming } from './timers.ts'
import { TrustedTime, type Clocks } from './trusted-time.ts'

/** The audit log, as governance reads it back. */
export interface GovernanceLog extends ActionLog {
  /** Why it takes no entries. */
  reason (): string | undefined
  entries (): AsyncIterable<LoggedEntry>
}

export interface EngineDeps {
  /** The text of the genesis file; undefined for a daemon that is not governed. */
  readonly readGenesis: () => string | undefined
  /** This daemon's peer ID. */
  readonly self: string
  readonly actions: GovernanceLog
  readonly store: GovernanceStore
  readonly sealed: SealedText
  readonly effects: Effects
  readonly signals: CanarySignals
  readonly clocks: Clocks
  readonly metrics: Metrics['governance']
  readonly log: Logger
}

const MAX_WAITING = 64
/** Timers that one tick fires; the next takes the rest. */
const MAX_FIRED = 64
const IDLE_MS = 30_000
const WATCHING_MS = 5_000
const MIN_MS = 50
const AGAIN_MS = 1_000

/** Governance at work: takes what is signed, lets the log keep it, and only then lets it take effect. */
export class Governance implements Component, ReadinessCheck {
  readonly name = 'governance'
  readonly #deps: EngineDeps
  readonly #runner: EffectRunner
  readonly #watch: CanaryWatch
  readonly #refusals: RefusalLog
  #ledger: Ledger | undefined
  #n = 0
  #time: TrustedTime | undefined
  #keeper: Keeper | undefined
  #fault: IntegrityFault | undefined
  #safe: State | undefined
  #clockFault: string | undefined
  /** Canaries that went red while the log could not keep it. Bounded by those under way. */
  #red = new Set<string>()
  #waiting = 0
  #queue: Promise<unknown> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor (deps: EngineDeps) {
    this.#deps = deps
    const { effects, log, clocks: { monotonic }, metrics, signals, actions } = deps
    this.#runner = new EffectRunner({ effects, log, monotonic, onInForce: ms => metrics.propagateMs.observe(ms) })
    this.#watch = new CanaryWatch(signals)
    this.#refusals = new RefusalLog({ actions, log, monotonic })
  }

  /** The whole of governance; undefined for a daemon that is not governed, or that has nothing it can trust. */
  get ledger (): Ledger | undefined { return this.#ledger }
  /** Why what is kept is not trusted. */
  get fault (): IntegrityFault | undefined { return this.#fault }
  /** What holds on this daemon now. */
  get inForce (): Sections | undefined { return this.#runner.inForce }
  /** The time by which what has an end ends here; no clock that is set back makes it longer. Nothing is decided by it. */
  get at (): number { return Math.max(this.#ledger?.time ?? 0, this.#time?.elapsed ?? 0, this.#deps.clocks.wall()) }
  /** How many inputs were taken since the genesis. */
  get inputs (): number { return this.#n }

  /** Never throws for what is damaged: then the last safe state holds, and nothing is taken. */
  async start (): Promise<void> {
    const { metrics, log, readGenesis, actions } = this.#deps
    const text = readGenesis()
    metrics.restricted.set(0)
    metrics.governed.set(text === undefined ? 0 : 1)
    if (text === undefined) {
      if (await this.#isLogGoverned()) this.#restrict(new IntegrityFault('genesis', 'the log is governed, and no genesis is set (governance.genesis)'), undefined)
      return
    }
    const loaded = await load(text, { ...this.#deps, log: actions })
    this.#ledger = loaded.ledger
    this.#n = loaded.n
    if (loaded.fault === undefined && loaded.ledger !== undefined) await this.#continueFrom(loaded, loaded.ledger)
    else this.#restrict(loaded.fault ?? new IntegrityFault('genesis', 'there is no genesis'), loaded.safe)
    if (this.#ledger !== undefined) showRoot(metrics, this.#ledger)
    log.info({ event: 'governance_loaded', inputs: this.#n, epoch: this.#ledger?.state.epoch, fault: this.#fault?.fault }, 'governance is loaded')
    await this.tick()
  }

  async stop (): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#queue
    this.#refusals.flush(true)
    await this.#refusals.settled()
  }

  reason (): string | undefined {
    if (this.#fault !== undefined) return `governance holds the last safe state and denies writes (${this.#fault.fault}): ${this.#fault.message}`
    if (this.#runner.failure !== undefined) return `what is agreed is not in force: ${this.#runner.failure}`
    return this.#clockFault
  }

  /**
   * Takes a signed statement. Resolves with its id once it is in the log and in effect.
   * @throws {DhtError} with a `gov_` reason when it is refused, DegradedAudit when the log cannot keep it
   */
  async submit (envelope: unknown, caller: Caller = {}): Promise<{ readonly id: string, readonly ledger: Ledger }> {
    if (this.#waiting >= MAX_WAITING) {
      throw refused('gov_limit', 'too many statements wait to be judged', { retryAfterMs: AGAIN_MS })
    }
    this.#waiting++
    try {
      return await this.#enqueue(async () => {
        const input = { kind: 'statement', envelope } as Input // its form is the first thing that `step` checks
        const ledger = await this.#take(input, caller)
        this.#schedule()
        return { id: statementId(parseStatement(envelope).envelope), ledger }
      })
    } finally {
      this.#waiting--
    }
  }

  /** What a statement would do, of which nothing is done or kept. @throws {DhtError} as submit */
  check (envelope: unknown): Ledger {
    const { ledger, at } = this.#assertOpen()
    return step(ledger, { kind: 'statement', envelope } as Input, at)
  }

  /** Does what is due: timers, canaries, effects that failed. The engine calls it by itself; tests do when they moved the clock. */
  async tick (): Promise<void> {
    await this.#enqueue(async () => {
      await this.#doDue().catch((err: unknown) => {
        if (!(err instanceof DhtError)) throw err
        this.#deps.log.warn({ event: 'governance_delayed', err }, 'governance could not do all that is due, and tries again')
      })
      this.#schedule()
    })
  }

  /** Tells the running parts everything again, as when some were not running yet. */
  async reapply (): Promise<void> {
    this.#runner.forget()
    await this.tick()
  }

  async #continueFrom (loaded: Loaded, ledger: Ledger): Promise<void> {
    const { actions, clocks } = this.#deps
    this.#keeper = new Keeper(this.#deps, loaded, ledger.state)
    this.#time = new TrustedTime(clocks, this.#keeper)
    try {
      if (!loaded.isFounded) await actions.record(genesisAction(loaded.genesis, ledger))
    } catch (cause) {
      return this.#restrict(new IntegrityFault('log', 'the log does not take the genesis', { cause }), ledger.state)
    }
    await this.#keep()
  }

  #restrict (fault: IntegrityFault, safe: State | undefined): void {
    const { metrics, log } = this.#deps
    this.#fault = fault
    this.#safe = safe
    metrics.restricted.set(1)
    metrics.integrityFailed.inc({ fault: fault.fault })
    log.error({ event: 'governance_untrusted', err: fault, fault: fault.fault }, 'governance: what is kept is not trusted, the last safe state holds and writes are denied')
  }

  async #isLogGoverned (): Promise<boolean> {
    try {
      for await (const entry of this.#deps.actions.entries()) if (mentionsGovernance(entry)) return true
    } catch { /* the log says itself that it cannot be read */ }
    return false
  }

  /** One input through rules, log and effects, in this order. */
  async #take (input: Input, caller: Caller = {}): Promise<Ledger> {
    const { actions, metrics } = this.#deps
    const action = nameOf(input)
    let before: Ledger
    let next: Ledger
    let at: number
    try {
      ({ ledger: before, at } = this.#assertOpen())
      if (isPqDowngrade(before, input)) metrics.pqDowngradeAttempts.inc()
      next = step(before, input, at)
    } catch (err) {
      if (err instanceof DhtError) this.#noteRefusal(input, err, caller)
      throw err
    }
    const roots = next.state === before.state ? undefined : { before: stateRoot(before.state), after: stateRoot(next.state) }
    try {
      await actions.record(inputAction(before, input, { n: this.#n + 1, at }, roots, caller))
    } catch (err) {
      metrics.actions.inc({ action, status: 'failed' })
      throw err
    }
    metrics.actions.inc({ action, status: 'accepted' })
    this.#ledger = next
    this.#n++
    if (roots !== undefined) showRoot(metrics, next)
    if (action === 'proposal.execute') await this.#look(next) // what was before is known only before
    await this.#putInForce(at)
    await this.#keep()
    showLedger(metrics, next, at)
    return next
  }

  async #doDue (): Promise<void> {
    const { metrics } = this.#deps
    this.#refusals.flush()
    if (this.#fault !== undefined) {
      if (this.#safe !== undefined) await this.#runner.want(safeSections(this.#safe.sections))
    } else if (this.#ledger !== undefined) {
      await this.#putInForce(this.at) // also when the log takes nothing: what has ended has ended
      const { ledger, at } = this.#assertOpen()
      for (const { timer } of upcoming(ledger).filter(({ dueAt }) => at >= dueAt).slice(0, MAX_FIRED)) await this.#take({ kind: 'timer', timer })
      await this.#watchCanaries(this.#ledger)
    }
    metrics.pendingMs.set(this.#runner.pendingMs)
    if (this.#ledger !== undefined) showLedger(metrics, this.#ledger, this.at)
  }

  async #watchCanaries (ledger: Ledger): Promise<void> {
    for (const { proposalId, verdict, why } of await this.#look(ledger)) {
      this.#deps.log.info({ event: 'canary_verdict', proposal_id: proposalId, verdict, why }, 'a canary has a verdict')
      if (verdict === 'red') {
        this.#red.add(proposalId)
        await this.#putInForce(this.at)
      }
      await this.#take({ kind: 'canary', proposalId, verdict })
      this.#red.delete(proposalId)
    }
  }

  async #look (ledger: Ledger): Promise<readonly Verdict[]> {
    const { self, clocks } = this.#deps
    return await this.#watch.look(ownCanaries(ledger, self), ledger.state.sections.charter.windows.canary_ms, clocks.monotonic())
  }

  async #putInForce (at: number): Promise<void> {
    const ledger = this.#ledger as Ledger
    await this.#runner.want(sectionsInForce(ledger, at, this.#ownCanaries(ledger)))
    this.#deps.metrics.pendingMs.set(this.#runner.pendingMs)
  }

  #ownCanaries (ledger: Ledger): readonly Tracked[] {
    return ownCanaries(ledger, this.#deps.self).filter(({ id }) => !this.#red.has(id))
  }

  async #keep (): Promise<void> {
    try {
      await this.#keeper?.keep(this.#ledger as Ledger, this.#n)
    } catch (err) {
      this.#deps.log.error({ event: 'snapshot_failed', err }, 'the snapshot of governance could not be written; the log holds all of it')
    }
  }

  /** @throws {DhtError} NotFound when nothing is governed, gov_restricted, gov_clock */
  #assertOpen (): { readonly ledger: Ledger, readonly at: number } {
    if (this.#fault !== undefined) throw refused('gov_restricted', 'what governance keeps is not trusted', { hint: this.#fault.message })
    if (this.#ledger === undefined || this.#time === undefined) throw new DhtError('NotFound', 'This daemon is not governed.', { hint: 'Set governance.genesis.' })
    try {
      const at = this.#time.now()
      this.#clockFault = undefined
      return { ledger: this.#ledger, at }
    } catch (err) {
      this.#clockFault = `the time is not trusted: ${(err as Error).message}`
      throw err
    }
  }

  #noteRefusal (input: Input, err: DhtError, caller: Caller): void {
    const { metrics } = this.#deps
    const reason = err.reason as GovernanceReason | undefined
    metrics.actions.inc({ action: nameOf(input), status: 'refused' })
    if (reason === undefined) return
    if (reason === 'gov_pq' || (reason === 'gov_window' && nameOf(input) === 'proposal.execute')) metrics.pqDowngradeAttempts.inc()
    this.#refusals.add({ ...describeRefused(input), action: nameOf(input), reason, message: err.message, capabilityId: caller.capabilityId })
  }

  async #enqueue<T> (work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work)
    this.#queue = done.catch(() => {}) // told to whom it concerns
    return await done
  }

  #schedule (): void {
    clearTimeout(this.#timer)
    if (this.#isStopped || (this.#ledger === undefined && this.#safe === undefined)) return
    const isBusy = this.#runner.failure !== undefined || (this.#ledger !== undefined && ownCanaries(this.#ledger, this.#deps.self).length > 0)
    const next = this.#ledger === undefined ? Infinity : Math.min(...upcoming(this.#ledger).map(({ dueAt }) => dueAt)) - this.at
    const limitMs = isBusy ? WATCHING_MS : IDLE_MS
    // What was due and could not be done is tried again at a walking pace.
    this.#timer = setTimeout(() => void this.tick(), Math.min(limitMs, next <= 0 ? AGAIN_MS : Math.max(MIN_MS, next))).unref()
  }
}
