import t from 'tap'
import { MemoryLogStorage } from '../../src/audit/storage/memory.ts'
import type { Mark } from '../../src/audit/storage/storage.ts'
import { action, createLog, fill, KEYS, NOW } from './logs.ts'

/** A disk that can be made to fail or to hang, each kind of write for itself. */
class FaultyStorage extends MemoryLogStorage {
  /** What each kind of write throws, while it does. */
  readonly faults: { append?: string, writeMark?: string, publish?: string, beginPending?: string } = {}
  #hang: Promise<void> | undefined

  constructor () {
    super({ limitBytes: 1e8 })
  }

  /** Writes begun from now on end when the function that it returns is called. */
  hang (): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#hang = promise
    return () => {
      this.#hang = undefined
      resolve()
    }
  }

  async #write (kind: keyof FaultyStorage['faults']): Promise<void> {
    await this.#hang
    const code = this.faults[kind]
    if (code !== undefined) throw Object.assign(new Error(`${code}: ${kind}`), { code })
  }

  override async append (bytes: Uint8Array): Promise<void> {
    await this.#write('append')
    await super.append(bytes)
  }

  override async writeMark (mark: Mark): Promise<void> {
    await this.#write('writeMark')
    await super.writeMark(mark)
  }

  override async publish (files: ReadonlyArray<readonly [string, Uint8Array]>): Promise<void> {
    await this.#write('publish')
    await super.publish(files)
  }

  override async beginPending (start: number): Promise<void> {
    await this.#write('beginPending')
    await super.beginPending(start)
  }
}

async function recovery (log: { reason (): string | undefined }): Promise<void> {
  while (log.reason() !== undefined) await new Promise(resolve => setTimeout(resolve, 10))
}

for (const code of ['ENOSPC', 'EROFS', 'EIO']) {
  t.test(`${code} while it runs: nothing is acknowledged, what is in the log is read, and entries are taken again by themselves`, async t => {
    const storage = new FaultyStorage()
    const { log, metrics } = createLog(storage)
    await log.start()
    await fill(log, 300)
    await log.publish()
    Object.assign(storage.faults, { append: code, writeMark: code, publish: code })
    await t.rejects(log.record(action(300)), { code: 'DegradedAudit', message: new RegExp(code) })
    t.match(log.reason(), new RegExp(code))
    t.equal(log.head().size, 300)
    t.equal((await Array.fromAsync(log.rawEntries())).length, 300)
    t.match(await log.proof(7), /^c2sp\.org\/tlog-proof@v1\n/)
    t.match(await metrics.registry.metrics(), 'svc_dht_audit_refused_total{reason="disk"} 1')
    for (const kind of ['append', 'writeMark', 'publish'] as const) delete storage.faults[kind]
    await recovery(log)
    t.match(await log.record(action(301)), { seq: 300 })
    await log.stop()
  })
}

t.test('a mark that could not be written after its entry: the entry counts, no further one is taken, and a restart has it', async t => {
  const storage = new FaultyStorage()
  const { log } = createLog(storage)
  await log.start()
  await log.record(action(0))
  storage.faults.writeMark = 'EIO'
  t.match(await log.record(action(1)), { seq: 1 }, 'it is on disk, so it is acknowledged')
  t.match(log.reason(), /EIO/)
  await t.rejects(log.record(action(2)), { code: 'DegradedAudit' })
  t.equal(log.head().size, 2, 'what is refused is not in the log')
  t.equal((await storage.readMark())?.size, 1)
  const [{ bytes } = { bytes: new Uint8Array() }] = await storage.readPending()
  t.notMatch(Buffer.from(bytes).toString(), /op-2"/)

  const left = createLog(storage)
  delete storage.faults.writeMark
  await left.log.start()
  t.strictSame([left.log.reason(), left.log.head().size], [undefined, 2])
  await left.log.stop()
})

t.test('a checkpoint that could not be written is written when the disk takes it', async t => {
  const storage = new FaultyStorage()
  const { log } = createLog(storage, { publishMs: 1 })
  await log.start()
  storage.faults.publish = 'EROFS'
  await log.record(action(0))
  while (log.reason() === undefined) await new Promise(resolve => setTimeout(resolve, 5))
  t.match(log.reason(), /EROFS/)
  delete storage.faults.publish
  await recovery(log)
  t.equal(log.head().published, 1)
  await log.stop()
})

t.test('a disk that does not answer for seconds: no more entries are taken, those that wait are told how it ended', async t => {
  const storage = new FaultyStorage()
  let nowMs = NOW
  const { log, metrics } = createLog(storage, {}, KEYS, () => nowMs)
  await log.start()
  await fill(log, 3)
  const answer = storage.hang()
  const waiting = log.record(action(3))
  await new Promise(resolve => setTimeout(resolve, 20))
  t.equal(log.reason(), undefined, 'a slow write is no fault yet')
  nowMs += 6000
  t.match(log.reason(), /the disk does not answer/)
  await t.rejects(log.record(action(4)), { code: 'DegradedAudit', message: /does not answer/ })
  t.match(await metrics.registry.metrics(), 'svc_dht_audit_refused_total{reason="slow"} 1')
  t.equal((await Array.fromAsync(log.rawEntries())).length, 3, 'reads go on')
  answer()
  t.match(await waiting, { seq: 3 })
  await recovery(log)
  t.match(await log.record(action(5)), { seq: 4 })
  await log.stop()
})

for (const kind of ['writeMark', 'publish', 'beginPending'] as const) {
  t.test(`a disk that is full at a start, at its ${kind}: what is there is read, and entries are taken by themselves once there is room`, async t => {
    const storage = new FaultyStorage()
    const { log } = createLog(storage)
    await log.start()
    await fill(log, 300)
    await log.stop()

    const again = createLog(storage)
    storage.faults[kind] = 'ENOSPC'
    await again.log.start()
    t.match(again.log.reason(), new RegExp(`ENOSPC: ${kind}`))
    await t.rejects(again.log.record(action(300)), { code: 'DegradedAudit', message: /ENOSPC/ })
    t.equal((await Array.fromAsync(again.log.entries())).length, 300)
    delete storage.faults[kind]
    await recovery(again.log)
    t.match(await again.log.record(action(301)), { seq: 300 })
    await again.log.stop()
  })
}
