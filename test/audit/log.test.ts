import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { LogStorage } from '../../src/audit/storage/storage.ts'
import { MemoryLogStorage } from '../../src/audit/storage/memory.ts'
import { createEphemeralNoteKeys } from '../../src/kms/note-keys.ts'
import { only } from '../patterns.ts'
import { action, createLog, diskStorage, fill, KEYS, tempFolder, type Teardown } from './logs.ts'

const BACKENDS: ReadonlyArray<readonly [string, (t: Teardown) => LogStorage]> = [
  ['memory', () => new MemoryLogStorage({ limitBytes: 1e8 })],
  ['disk', t => diskStorage(tempFolder(t))],
]

for (const [name, create] of BACKENDS) {
  t.test(`${name}: entries come back in order, each linked to the one before, and have proofs once published`, async t => {
    const { log } = createLog(create(t))
    await log.start()
    t.equal(log.reason(), undefined)
    const seen: number[] = []
    log.subscribe(({ seq }) => seen.push(seq))
    await fill(log, 600)
    t.strictSame(await log.record(action(600, { event: { b: 1, a: [null] } })), { seq: 600, ts: Date.UTC(2026, 0, 2, 3, 4, 5) })
    await t.rejects(log.proof(3), { code: 'NotFound' })
    await log.publish()
    const entries = await Array.fromAsync(log.entries(250, 601))
    t.equal(entries.length, 351)
    t.equal(entries[350]?.reason, 'for test 600')
    t.equal(seen.length, 601)
    t.match(await log.proof(255), /^c2sp\.org\/tlog-proof@v1\nindex 255\n/)
    await log.stop()
    await t.rejects(log.record(action(1)), { code: 'DegradedAudit' })
  })

  t.test(`${name}: an action that is too long or no JSON is refused alone`, async t => {
    const { log } = createLog(create(t))
    await log.start()
    await t.rejects(log.record(action(0, { event: 'x'.repeat(70_000) })), { code: 'TooLarge' })
    await t.rejects(log.record(action(0, { event: { n: Number.NaN } })), { code: 'BadRequest' })
    t.equal((await log.record(action(0))).seq, 0)
    await log.stop()
  })
}

t.test('a log in memory that is full takes no entries and says so', async t => {
  const { log } = createLog(new MemoryLogStorage({ limitBytes: 9000 }))
  await log.start()
  await log.record(action(0))
  await t.rejects(log.record(action(1, { event: 'x'.repeat(9000) })), { code: 'DegradedAudit' })
  t.match(log.reason(), /full/)
  t.ok(await log.record(action(2)), 'a smaller one still fits')
  t.equal(log.reason(), undefined)
  await log.stop()
})

t.test('a proof that is made while the log grows past a tile is whole: the narrower tile is read out of the wider one', async t => {
  const storage = new MemoryLogStorage({ limitBytes: 1e8 })
  const read = storage.read.bind(storage)
  let meanwhile: (() => Promise<void>) | undefined
  storage.read = async path => {
    await meanwhile?.()
    return await read(path)
  }
  const { log } = createLog(storage)
  await log.start()
  await fill(log, 200)
  await log.publish()
  const [bundle, leaves] = [await log.file('tile/entries/000.p/200'), await log.file('tile/0/000.p/200')]
  meanwhile = async () => {
    meanwhile = undefined
    await fill(log, 100, 200)
    await log.publish()
  }
  t.match(await log.proof(7), /^c2sp\.org\/tlog-proof@v1\nindex 7\n/)
  t.equal(log.head().published, 300)
  t.strictSame(await log.file('tile/entries/000.p/200'), bundle)
  t.strictSame(await log.file('tile/0/000.p/200'), leaves)
  t.equal(await log.file('tile/0/001.p/45'), undefined, 'and none wider than there is')
  await log.stop()
})

async function written (t: Teardown, count = 300, published = count): Promise<string> {
  const folder = tempFolder(t)
  const { log } = createLog(diskStorage(folder))
  await log.start()
  await fill(log, published)
  await log.publish()
  await fill(log, count - published, published)
  await log.stop()
  return folder
}

async function reopen (folder: string, keys = KEYS) {
  const opened = createLog(diskStorage(folder), {}, keys)
  await opened.log.start()
  return opened
}

t.test('a log goes on where it was after a restart', async t => {
  const folder = await written(t, 700)
  const { log } = await reopen(folder)
  t.equal((await log.record(action(700))).seq, 700)
  await log.stop()
  const again = await reopen(folder)
  t.equal(again.log.head().size, 701)
  t.equal((await Array.fromAsync(again.log.entries())).length, 701)
  await again.log.stop()
})

t.test('a checkpoint that cannot take its place leaves no draft behind, however often it is tried', async t => {
  const folder = tempFolder(t)
  const { log } = createLog(diskStorage(folder))
  await log.start()
  await fill(log, 3)
  mkdirSync(join(folder, 'log/tile/0/000.p/3'), { recursive: true }) // no file takes the place of a folder
  for (let tries = 0; tries < 3; tries++) await t.rejects(log.publish(), { code: 'EISDIR' })
  t.strictSame(readdirSync(join(folder, 'log/tile/0/000.p')), ['3'])
  rmdirSync(join(folder, 'log/tile/0/000.p/3'))
  await log.publish()
  t.equal(log.head().published, 3)
  await log.stop()
})

t.test('two processes never write one log', async t => {
  const folder = await written(t, 3)
  const first = await reopen(folder)
  const second = await reopen(folder)
  t.match(second.log.reason(), /in use by another process/)
  await t.rejects(second.log.record(action(1)), { code: 'DegradedAudit' })
  await first.log.stop()
})

t.test('a change of keys is an entry that links old and new, and is no alarm', async t => {
  const folder = await written(t, 5)
  const keys = createEphemeralNoteKeys(KEYS[0]?.name ?? '')
  const { log } = await reopen(folder, keys)
  t.equal(log.reason(), undefined)
  const [entry] = await Array.fromAsync(log.entries(5))
  t.match(entry, { action: 'audit.rotate', event: { from: only(/\+A/, /\+B/), to: only(/\+A/, /\+B/) } })
  await log.stop()
  const again = await reopen(folder, keys)
  t.equal(again.log.head().size, 6)
  await again.log.stop()
})

function flip (file: string, at: number): void {
  const bytes = readFileSync(file)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(file, bytes)
}

const checkpointOf = (folder: string): string => join(folder, 'log/checkpoint')

function editCheckpoint (folder: string, edit: (lines: string[]) => void): void {
  const lines = readFileSync(checkpointOf(folder), 'utf8').split('\n')
  edit(lines)
  writeFileSync(checkpointOf(folder), lines.join('\n'))
}

const DAMAGE: ReadonlyArray<readonly [what: string, fault: string, message: RegExp, damage: (folder: string) => void]> = [
  ['a bit of an entry', 'entry', /Entry \d+ was altered/, folder => flip(join(folder, 'log/tile/entries/000'), 5000)],
  ['a bit of a leaf hash', 'tile', /tile of leaves does not hold the hash of entry 3/, folder => flip(join(folder, 'log/tile/0/000'), 100)],
  ['a bit of a higher tile', 'tile', /tile\/1\/000\.p\/1/, folder => flip(join(folder, 'log/tile/1/000.p/1'), 7)],
  ['another root', 'signature', /signature by example.com\/audit on the checkpoint is wrong/, folder => editCheckpoint(folder, lines => { lines[2] = Buffer.from('x'.repeat(32)).toString('base64') })],
  ['a bit of a signature', 'signature', /wrong/, folder => editCheckpoint(folder, lines => { lines[4] = lines[4]?.replace(/.(?=.{8}$)/, letter => letter === 'A' ? 'B' : 'A') ?? '' })],
  ['a checkpoint that is none', 'checkpoint', /cannot be read/, folder => truncateSync(checkpointOf(folder), 20)],
  ['a bundle that is gone', 'missing', /missing/, folder => rmSync(join(folder, 'log/tile/entries/000'))],
  ['a log that is gone', 'shorter', /has 0 entries; it had 300/, folder => rmSync(join(folder, 'log'), { recursive: true })],
  ['a mark that is gone', 'unmarked', /high-water mark/, folder => rmSync(join(folder, 'log.mark'))],
]

for (const [what, fault, message, damage] of DAMAGE) {
  t.test(`${what}: the log takes no entries, says why, and counts it as ${fault}`, async t => {
    const folder = await written(t)
    damage(folder)
    const { log, metrics } = await reopen(folder)
    t.match(log.reason(), message)
    await t.rejects(log.record(action(0)), { code: 'DegradedAudit' })
    t.match(await metrics.registry.metrics(), `audit_integrity_failed_total{reason="${fault}"} 1`)
    await log.stop()
  })
}

for (const name of ['log/checkpoint', 'log/tile/0/000', 'log/pending/303', 'log.mark']) {
  t.test(`${name} that cannot be read at a start: no entries are taken, and nothing is written over the log that nobody has seen whole`, async t => {
    const folder = await written(t, 303, 300)
    const [file, kept] = [join(folder, name), join(folder, 'kept')]
    renameSync(file, kept)
    mkdirSync(file) // as a disk that answers EIO
    const { log } = await reopen(folder)
    t.match(log.reason(), /EISDIR/)
    await t.rejects(log.record(action(303)), { code: 'DegradedAudit' })
    await log.stop()
    rmSync(file, { recursive: true })
    renameSync(kept, file)
    const again = await reopen(folder)
    t.strictSame([again.log.reason(), again.log.head().size], [undefined, 303])
    await again.log.stop()
  })
}

t.test('an older copy of the folder, and another history of the same length, are found', async t => {
  const folder = await written(t, 300)
  cpSync(join(folder, 'log'), join(folder, 'older'), { recursive: true })
  const longer = await reopen(folder)
  await fill(longer.log, 10, 300)
  await longer.log.stop()
  const swap = async (other: string, message: RegExp): Promise<void> => {
    renameSync(join(folder, 'log'), join(folder, 'kept'))
    cpSync(other, join(folder, 'log'), { recursive: true })
    chmodSync(join(folder, 'log'), 0o700)
    const { log } = await reopen(folder)
    t.match(log.reason(), message)
    await log.stop()
    rmSync(join(folder, 'log'), { recursive: true })
    renameSync(join(folder, 'kept'), join(folder, 'log'))
  }
  await swap(join(folder, 'older'), /has 300 entries; it had 310/)
  const fork = await written(t, 0)
  const { log } = await reopen(fork)
  await fill(log, 310, 5000)
  await log.stop()
  await swap(join(fork, 'log'), /another root at size 310/)
})

t.test('the torn end of an append that nobody was told of is cut off; an acknowledged entry that is torn is an alarm', async t => {
  const folder = tempFolder(t)
  const { log } = createLog(diskStorage(folder))
  await log.start()
  await fill(log, 20)
  // As a crash leaves it: no stop, and a copy for each way it may look.
  const left = readFileSync(join(folder, 'log/pending/0'))
  const crashed = async (pending: Uint8Array) => {
    const to = tempFolder(t)
    cpSync(join(folder, 'log'), join(to, 'log'), { recursive: true })
    chmodSync(join(to, 'log'), 0o700)
    copyFileSync(join(folder, 'log.mark'), join(to, 'log.mark'))
    writeFileSync(join(to, 'log/pending/0'), pending)
    const { log } = await reopen(to)
    t.teardown(async () => await log.stop())
    return log
  }
  const torn = await crashed(Buffer.concat([left, Buffer.from([1, 0, 0x7b, 0x22])]))
  t.equal(torn.reason(), undefined)
  t.equal((await torn.record(action(20))).seq, 20)
  const zeroed = await crashed(Buffer.concat([left, Buffer.alloc(500)]))
  t.strictSame([zeroed.reason(), zeroed.head().size], [undefined, 20])
  const cut = await crashed(left.subarray(0, -3))
  t.match(cut.reason(), /has 19 entries; it had 20/)
  await log.stop()
})

t.test('a file that is deleted while the log runs ends it; reads go on', async t => {
  const folder = tempFolder(t)
  const { log, metrics } = createLog(diskStorage(folder))
  await log.start()
  await log.record(action(0))
  t.ok(existsSync(join(folder, 'log/pending/0')) && statSync(join(folder, 'log/pending/0')).size > 0)
  rmSync(join(folder, 'log/pending/0'))
  await t.rejects(log.record(action(1)), { code: 'DegradedAudit' })
  t.match(log.reason(), /deleted/)
  t.match(await metrics.registry.metrics(), 'audit_integrity_failed_total{reason="replaced"} 1')
  t.equal((await Array.fromAsync(log.entries())).length, 1)
  await log.stop()
})

t.test('a disk that was full is tried again by the log itself, for nobody else writes while it refuses', async t => {
  const storage = new MemoryLogStorage({ limitBytes: 1_000_000 })
  const append = storage.append.bind(storage)
  let isFull = true
  storage.append = async bytes => {
    if (isFull) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    await append(bytes)
  }
  const { log } = createLog(storage)
  await log.start()
  await t.rejects(log.record(action(0)), { code: 'DegradedAudit' })
  t.match(log.reason(), /no space left/)
  isFull = false
  while (log.reason() !== undefined) await new Promise(resolve => setImmediate(resolve))
  t.match(await log.record(action(1)), { seq: 0 })
  await log.stop()
})
