import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AuditLog } from '../../src/audit/log.ts'
import type { Entry } from '../../src/audit/format/entry.ts'
import { DiskLogStorage } from '../../src/audit/storage/disk.ts'
import type { ActionLog } from '../../src/core/control-action.ts'
import { DhtError } from '../../src/core/errors.ts'
import type { Reading } from '../../src/governance/canary-watch.ts'
import type { Effects } from '../../src/governance/effects.ts'
import { Governance, type EngineDeps } from '../../src/governance/engine.ts'
import type { Envelope } from '../../src/governance/envelope.ts'
import { FileGovernanceStore } from '../../src/governance/file-store.ts'
import { SealedText } from '../../src/governance/sealed.ts'
import type { SectionName, Sections } from '../../src/governance/state.ts'
import { createEphemeralNoteKeys } from '../../src/kms/note-keys.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { charterOf, castOf, everyone, genesisOf, Network, START, stateOf } from './fixtures.ts'

const ORIGIN = 'example.com/audit'
const KEYS = createEphemeralNoteKeys(ORIGIN)
const SELF = '12D3KooWSelf1111111111111111'

export interface Teardown { teardown (fn: () => unknown): unknown }

/** Parts that take whatever they are told, and remember it. */
class FakeParts implements Effects {
  sections: Sections | undefined
  told: Array<readonly SectionName[]> = []
  failure: Error | undefined
  async apply (sections: Sections, changed: readonly SectionName[]): Promise<void> {
    if (this.failure !== undefined) throw this.failure
    this.sections = sections
    this.told.push(changed)
  }
}

const HEALTHY: Reading = { lookups: [[0.1, 0], [1, 0], [Infinity, 0]], requests: 0, rejected: 0, isReady: true }

/** A governed daemon's folder, clock and signers: what outlives the engines that run on it. */
export class Home {
  readonly folder: string
  readonly network: Network
  readonly genesis: string
  jumpMs = 0
  reading: Reading = HEALTHY
  parts = new FakeParts()
  metrics = createMetrics()
  #running: { engine: Governance, log: AuditLog } | undefined

  constructor (t: Teardown, options: ConstructorParameters<typeof Network>[0] = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'svc-dht-gov-'))
    this.network = new Network(options)
    const cast = castOf(options.isPq)
    this.genesis = JSON.stringify(genesisOf(stateOf(charterOf(cast, options.charter), options.sections), everyone(cast)))
    t.teardown(async () => {
      await this.stop()
      rmSync(this.folder, { recursive: true, force: true })
    })
  }

  /** Time for everyone: the signers and the daemon. */
  async pass (ms: number): Promise<void> {
    this.network.at += ms
    await this.#running?.engine.tick()
  }

  async start (changes: Partial<EngineDeps> & { readonly wrap?: (log: AuditLog) => EngineDeps['actions'] } = {}): Promise<Governance> {
    const { wrap, ...deps } = changes
    this.metrics = createMetrics()
    this.parts = new FakeParts()
    const now = (): number => this.network.at + this.jumpMs
    const logger = createLogger({ level: 'silent' })
    const log = new AuditLog({ origin: ORIGIN, groupMs: 0, publishMs: 60_000, refreshMs: 3_600_000, retentionMs: 90 * 86_400_000, queued: 10_000 }, {
      storage: new DiskLogStorage({ folder: join(this.folder, 'audit'), markFile: join(this.folder, 'audit.mark') }),
      signers: KEYS,
      metrics: this.metrics.audit,
      log: logger,
      now,
    })
    await log.start()
    const engine = new Governance({
      readGenesis: () => this.genesis,
      self: SELF,
      actions: wrap?.(log) ?? log,
      store: new FileGovernanceStore(this.folder),
      sealed: new SealedText(Buffer.alloc(32, 7)),
      effects: this.parts,
      signals: { read: async () => this.reading },
      clocks: { wall: now, monotonic: () => this.network.at - START },
      metrics: this.metrics.governance,
      log: logger,
      ...deps,
    })
    await engine.start()
    this.#running = { engine, log }
    return engine
  }

  async stop (): Promise<void> {
    await this.#running?.engine.stop()
    await this.#running?.log.stop()
    this.#running = undefined
  }

  async restart (changes: Parameters<Home['start']>[0] = {}): Promise<Governance> {
    await this.stop()
    return await this.start(changes)
  }

  /** Stops without a word, as a kill does: nothing is flushed that was not durable. */
  async kill (): Promise<void> {
    await this.stop() // the log is durable before each answer, so what a kill loses is what is not in it
  }

  get log (): AuditLog {
    if (this.#running === undefined) throw new Error('nothing runs')
    return this.#running.log
  }

  get engine (): Governance {
    if (this.#running === undefined) throw new Error('nothing runs')
    return this.#running.engine
  }

  async entries (): Promise<Entry[]> {
    const all: Entry[] = []
    for await (const entry of this.log.entries()) all.push(entry)
    return all
  }

  async send (envelope: Envelope): Promise<string> {
    const { id, ledger } = await this.engine.submit(envelope)
    this.network.ledger = ledger
    return id
  }

  async propose (...args: Parameters<Network['proposal']>): Promise<string> {
    return await this.send(this.network.proposal(...args))
  }

  async approve (id: string, count = 2): Promise<void> {
    for (const keys of this.network.cast.sec.slice(0, count)) await this.send(this.network.about('approval', id, keys))
  }

  async execute (id: string): Promise<void> { await this.send(this.network.about('execution', id, this.network.cast.ops)) }
  async promote (id: string): Promise<void> { await this.send(this.network.about('promotion', id, this.network.cast.ops)) }

  async value (metric: string, labels: Record<string, string> = {}): Promise<number> {
    const found = await this.metrics.registry.getSingleMetric(metric)?.get()
    return found?.values.filter(({ labels: own }) => Object.entries(labels).every(([name, value]) => own[name as never] === value)).reduce((sum, { value }) => sum + value, 0) ?? Number.NaN
  }
}

/** The log, of which a test says when it fails. */
export function failing (log: AuditLog, shouldFail: () => 'before' | 'after' | 'never'): EngineDeps['actions'] {
  const record: ActionLog['record'] = async action => {
    const when = shouldFail()
    if (when === 'before') throw new DhtError('DegradedAudit', 'the disk is full')
    const recorded = await log.record(action)
    if (when === 'after') throw new Error('killed')
    return recorded
  }
  return { record, reason: () => log.reason(), entries: () => log.entries() }
}
