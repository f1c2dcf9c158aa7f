import type { Component } from '../core/component.ts'
import type { ActionLog, ControlAction, Recorded } from '../core/control-action.ts'
import type { ReadinessCheck } from '../core/readiness.ts'
import { Alarms } from './alarms.ts'
import { EntryQueue } from './entry-queue.ts'
import { keepCosignatures, type NoteSigner } from './format/checkpoint.ts'
import type { Entry } from './format/entry.ts'
import { formatVerifierKey, type VerifierKey } from './format/note.ts'
import { handoverAction, rotateAction, type RotatedBy } from './format/rotation.ts'
import { TILE_WIDTH } from './format/tile.ts'
import { Listeners } from './listeners.ts'
import { LogReader, type LogHead, type LogState, type ReadEntry } from './reader.ts'
import type { AuditLogDeps, AuditLogOptions } from './options.ts'
import { recover, toMark, type Recovered } from './recover.ts'
import { Refusal } from './refusal.ts'
import { findYoung, pruneAction, type PruneReason, type Pruning } from './retention.ts'
import { reverifyEdge } from './reverify.ts'
import { IntegrityError, scanBundles } from './scan.ts'
import { signersOf, signTail, Signing } from './signing.ts'
import { ReplacedError } from './storage/storage.ts'
import { Tail } from './tail.ts'

/** How soon the disk is tried again after it took no entry: with writes refused at the wall nobody else would. */
const RETRY_MS = 1000

/** The audit log: takes control actions, and resolves when their entries are where no crash takes them away. */
export class AuditLog implements ActionLog, Component, ReadinessCheck {
  readonly name = 'audit'
  readonly #options: AuditLogOptions
  readonly #deps: AuditLogDeps
  readonly #state: LogState = { tail: new Tail(), published: 0, checkpoint: undefined, minimum: 0 }
  readonly #reader: LogReader
  readonly #queue: EntryQueue
  /** Every write goes through here, one after the other. */
  #writing: Promise<void> = Promise.resolve()
  #flush: NodeJS.Timeout | undefined
  readonly #alarms = new Alarms()
  readonly #refusal: Refusal
  #isOpen = false
  /** What a start has yet to write before entries are taken. */
  #begin: (() => Promise<void>) | undefined
  #pruning: Pruning | undefined
  readonly #signing: Signing
  readonly #entryListeners = new Listeners<Entry>()
  readonly #checkpointListeners = new Listeners<void>()

  constructor (options: AuditLogOptions, deps: AuditLogDeps) {
    this.#options = options
    this.#deps = deps
    this.#signing = new Signing(options.origin, deps.signers)
    this.#reader = new LogReader(this.#state, deps.storage)
    this.#refusal = new Refusal(deps)
    this.#queue = new EntryQueue(options.queued, {
      ...deps,
      state: this.#state,
      refusal: this.#refusal,
      isBegun: () => this.#begin === undefined,
      toMark: () => toMark(this.#state.tail, options.origin, this.#signing.markKeys, this.#state.minimum),
      onFailure: err => this.#retryAfter(err),
      onEntry: entry => this.#entryListeners.tell(entry),
      onGroup: () => this.#alarms.set('publish', options.publishMs, () => this.#try(async () => await this.#publish())),
    })
  }

  /** Never throws for a log that is damaged: then it takes no entries, and what is readable can be read. */
  async start (): Promise<void> {
    const { storage, log } = this.#deps
    let recovered: Recovered
    try {
      await storage.open()
      this.#isOpen = true
      recovered = await recover(storage, this.#options.origin, this.#signing.keys)
    } catch (err) {
      this.#state.checkpoint = this.#isOpen ? await storage.read('checkpoint').catch(() => undefined) : undefined
      this.#refusal.refuse(err, { isFinal: true }) // also a file that cannot be read: nothing is written over a log that nobody has seen whole
      return
    }
    if (recovered.tornBytes > 0) log.warn({ event: 'audit_tail_cut', bytes: recovered.tornBytes, size: recovered.tail.size }, 'audit log: the end of an append that was never acknowledged was cut off')
    await this.#continueFrom(recovered)
  }

  async stop (): Promise<void> {
    if (!this.#isOpen) return
    clearTimeout(this.#flush)
    this.#alarms.clearAll()
    await this.#enqueue(async () => await this.#queue.commit())
    await this.#enqueue(async () => await this.#publish()).catch(err => this.#deps.log.error({ event: 'checkpoint_failed', err }, 'audit log: the last checkpoint could not be written'))
    this.#isOpen = false
    this.#refusal.end('the daemon is stopping')
    await this.#deps.storage.close()
  }

  reason (): string | undefined { return this.#refusal.reason }

  /** @throws {DhtError} DegradedAudit */
  assertTakesEntries (): void {
    if (this.#refusal.reason !== undefined) throw this.#refusal.toError()
  }

  async record (action: ControlAction): Promise<Recorded> {
    if (this.#refusal.isFinal || !this.#isOpen) throw this.#refusal.toError()
    if (this.#refusal.isStalled) {
      this.#deps.metrics.refused.inc({ reason: 'slow' })
      throw this.#refusal.toError()
    }
    const recorded = this.#queue.add(action)
    this.#flush ??= setTimeout(() => {
      this.#flush = undefined
      void this.#enqueue(async () => await this.#queue.commit())
    }, this.#options.groupMs)
    return await recorded
  }

  head (): LogHead {
    return {
      origin: this.#options.origin,
      size: this.#state.tail.size,
      published: this.#state.published,
      minimum: this.#state.minimum,
      root: Buffer.from(this.#state.tail.root()).toString('hex'),
      keys: this.#signing.keys.map(formatVerifierKey),
      refusal: this.#refusal.reason,
    }
  }

  /** A file of the published log, by its path in tlog-tiles. */
  async file (path: string): Promise<Uint8Array | undefined> { return await this.#reader.file(path) }

  /** Every entry that there is, published or not, from `from` up to, not including, `to`: what a replay needs. */
  async * entries (from = 0, to = Number.POSITIVE_INFINITY): AsyncGenerator<Entry> {
    for await (const { entry } of this.#reader.everything(from, to)) yield entry
  }

  /** The published ones. @throws {DhtError} NotFound for a range that begins with entries that were let go */
  rawEntries (from = 0, to = Number.POSITIVE_INFINITY): AsyncGenerator<ReadEntry> { return this.#reader.entries(from, to) }

  /** The entry's proof under the last checkpoint. @throws {DhtError} NotFound when no checkpoint covers it yet */
  async proof (seq: number): Promise<string> { return await this.#reader.proof(seq) }

  /** Tells of every entry from now on, once it is durable. A listener must not throw. Returns how to end it. */
  subscribe (listener: (entry: Entry) => void): () => void { return this.#entryListeners.add(listener) }

  /** Writes the checkpoint now, if entries wait for one. */
  async publish (): Promise<void> {
    await this.#enqueue(async () => await this.#publish())
  }

  /**
   * Verifies what is on disk again while the log is in use: a full bundle a turn, yielding how many entries that makes, then the rest.
   * What is wrong stops the log as it would at a start. Undefined at the end when there was nothing to verify, or not all.
   */
  async * verifyAgain (): AsyncGenerator<number, number | undefined> {
    const { storage } = this.#deps
    const tail = new Tail()
    try {
      while (tail.size + TILE_WIDTH <= this.#state.published) {
        if (this.#refusal.isFinal) return undefined
        await scanBundles(tail, tail.size + TILE_WIDTH, async path => await storage.read(path))
        yield tail.size
      }
      await this.#enqueue(async () => {
        if (this.#refusal.reason !== undefined) return // what failed may have left a newer checkpoint than the one we know
        await reverifyEdge(tail, this.#state, storage, { origin: this.#options.origin, keys: this.#signing.markKeys })
      })
      return this.#refusal.reason === undefined ? tail.size : undefined
    } catch (err) {
      if (!(err instanceof IntegrityError || err instanceof ReplacedError)) throw err
      this.#refuse(err)
      return undefined
    }
  }

  /** Tells of every new checkpoint. A listener must not throw. Returns how to end it. */
  onCheckpoint (listener: () => void): () => void { return this.#checkpointListeners.add(listener) }

  /** Writes the checkpoint anew with other lines below its text, as cosignatures are; undefined leaves it as it is. */
  async amendCheckpoint (amend: (checkpoint: Uint8Array) => Uint8Array | undefined): Promise<void> {
    await this.#enqueue(async () => {
      const amended = this.#state.checkpoint === undefined || this.#refusal.isFinal ? undefined : amend(this.#state.checkpoint)
      if (amended === undefined) return
      await this.#deps.storage.publish([['checkpoint', amended]])
      this.#state.checkpoint = amended
    })
  }

  /**
   * Other keys sign from here on. An entry links the two, and the first checkpoint behind it is signed by both.
   * @throws {DhtError} DegradedAudit when the entry could not be made: then all is as it was
   */
  async rotateKeys (next: readonly NoteSigner[], by: RotatedBy): Promise<Recorded> {
    this.assertTakesEntries()
    const rotated = Promise.withResolvers<Recorded>()
    await this.#enqueue(async () => {
      rotated.resolve(this.#queue.commitOwn(rotateAction(by, this.#signing.keys, next, this.#deps.now())))
      await rotated.promise
      await this.#handOver(this.#signing.signers, next)
      this.#signing.changeTo(next)
      await this.#publish().catch(err => this.#retryAfter(err))
    })
    return await rotated.promise
  }

  async #continueFrom ({ tail, published, checkpoint, keys, minimum }: Recovered): Promise<void> {
    Object.assign(this.#state, { tail, published, checkpoint, minimum } satisfies LogState)
    const isRotated = this.#signing.continueFrom(keys, tail.size)
    this.#begin = async () => { await this.#beginEntries(keys, isRotated) }
    this.#deps.metrics.size.set(tail.size)
    this.#scheduleAgeing()
    await this.#begin().catch(err => this.#retryAfter(err))
  }

  /** What is written before the first entry after a start. A disk that does not take it now may take it later. */
  async #beginEntries (keys: readonly VerifierKey[], isRotated: boolean): Promise<void> {
    const { storage, now } = this.#deps
    const { tail, published, checkpoint } = this.#state
    // What is only in the list of pending entries gets its checkpoint before that list is begun anew.
    if (isRotated && checkpoint !== undefined && published === tail.size) await this.#queue.writeMark()
    else await this.#publish({ anew: true })
    await storage.beginPending(tail.size)
    this.#begin = undefined
    this.#refusal.clear()
    if (isRotated) {
      const by: RotatedBy = { actor: 'daemon', reason: 'the log is signed by other keys from here on' }
      await this.#queue.commitOwn(rotateAction(by, keys, this.#signing.keys, now())).catch(() => {}) // told by the refusal
      await this.#handOver(signersOf(keys, this.#deps.formerSigners), this.#signing.keys)
      await this.#publish()
    }
  }

  /** The keys before sign the tree that names the new ones: whoever trusts only those can follow. Without it they cannot, and no more. */
  async #handOver (former: readonly NoteSigner[], next: readonly VerifierKey[]): Promise<void> {
    const { log, now } = this.#deps
    if (former.length === 0) return log.warn({ event: 'audit_keys_unvouched' }, 'audit log: the keys before are not here to vouch for the new ones: whoever verifies needs the new ones')
    if (this.#refusal.reason !== undefined) return
    const checkpoint = Buffer.from(await signTail(this.#options.origin, this.#state.tail, former, now())).toString()
    // Right behind the tree that it is about.
    await this.#queue.commitOwn(handoverAction(next, checkpoint, now()), { isFirst: true }).catch(() => {}) // told by the refusal
  }

  /** Entries are refused while the work fails, and the disk is tried again. */
  #try (work: () => Promise<void>): void {
    this.#enqueue(work).catch(err => this.#retryAfter(err))
  }

  /** What a disk must take before entries are taken again: their list, the mark, and the checkpoint that may have failed. */
  #retryAfter (err: unknown): void {
    this.#refuse(err)
    if (this.#refusal.isFinal) return
    this.#alarms.set('retry', RETRY_MS, () => this.#try(async () => {
      if (this.#refusal.reason === undefined || this.#refusal.isFinal) return
      if (this.#begin !== undefined) return await this.#begin()
      await this.#deps.storage.append(new Uint8Array(0))
      await this.#queue.writeMark()
      await this.#publish()
      this.#refusal.clear()
    }))
  }

  /** Lets go of the oldest entries, once the entry that says so is under a checkpoint: whoever verifies finds it. */
  async #prune (minimum: number, why: PruneReason): Promise<void> {
    const from = this.#state.minimum
    if (minimum <= from || this.#pruning !== undefined || this.#refusal.reason !== undefined) return
    await this.#queue.commitOwn(pruneAction(from, minimum, why))
    this.#pruning = { minimum, why }
    await this.#publish()
  }

  async #letGo ({ minimum, why }: Pruning): Promise<void> {
    const { storage, metrics } = this.#deps
    metrics.letGo.inc({ reason: why }, minimum - this.#state.minimum)
    this.#pruning = undefined
    this.#state.minimum = minimum
    storage.letGo?.(minimum)
    await this.#queue.writeMark()
  }

  /** Now and then, those that are older than the log publishes. */
  #scheduleAgeing (): void {
    this.#alarms.set('age', this.#options.refreshMs, () => {
      this.#try(async () => {
        const beforeMs = this.#deps.now() - this.#options.retentionMs
        await this.#prune(await findYoung({ ...this.#state, beforeMs }, async seq => await this.#reader.timeOf(seq)), 'age')
      })
      this.#scheduleAgeing()
    })
  }

  /** Nothing to do when the checkpoint covers every entry, unless it is to be signed anew. */
  async #publish ({ anew = false }: { readonly anew?: boolean } = {}): Promise<void> {
    const { storage, metrics, now } = this.#deps
    const size = this.#state.tail.size
    const isCovered = this.#state.checkpoint !== undefined && size === this.#state.published
    if (this.#refusal.isFinal || (isCovered && size > 0 && this.#signing.isOnDisk && !anew)) return
    const note = keepCosignatures(await this.#signing.sign(this.#state.tail, now()), this.#state.checkpoint)
    // The mark first: it names the keys by which the checkpoint will be known.
    await this.#queue.writeMark()
    await storage.publish([...this.#state.tail.files(this.#state.published), ['checkpoint', note]])
    this.#state.checkpoint = note
    this.#state.published = size
    const isMarkWide = this.#signing.settle()
    this.#state.tail.trim()
    if (!isCovered) await storage.beginPending(size)
    if (isMarkWide) await this.#queue.writeMark()
    metrics.published.set(size)
    metrics.checkpointTime.set(now() / 1000)
    this.#checkpointListeners.tell()
    this.#scheduleRefresh()
    if (this.#pruning !== undefined) await this.#letGo(this.#pruning)
    else if (storage.findMinimum !== undefined) await this.#prune(storage.findMinimum(this.#state.minimum, size), 'memory')
  }

  /** An idle log signs its head again now and then. */
  #scheduleRefresh (): void {
    this.#alarms.clear('refresh')
    this.#alarms.set('refresh', this.#options.refreshMs, () => {
      this.#scheduleRefresh()
      this.#try(async () => await this.#publish({ anew: true }))
    })
  }

  async #enqueue (work: () => Promise<void>): Promise<void> {
    const done = this.#writing.then(async () => await this.#refusal.whileWriting(work))
    this.#writing = done.catch(() => {})
    await done
  }

  #refuse (err: unknown): void {
    this.#refusal.refuse(err, { isFinal: !this.#isOpen })
  }
}
