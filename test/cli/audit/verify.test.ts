import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseCheckpoint, signCheckpoint } from '../../../src/audit/format/checkpoint.ts'
import { formatVerifierKey } from '../../../src/audit/format/note.ts'
import { handoverAction, rotateAction } from '../../../src/audit/format/rotation.ts'
import { openLogFiles } from '../../../src/cli/audit/files.ts'
import { verifyLogInUse } from '../../../src/cli/audit/verify.ts'
import { withCosignatures } from '../../../src/audit/witness/add-checkpoint.ts'
import { createEphemeralNoteKeys, type NoteKey } from '../../../src/kms/note-keys.ts'
import { createLog, diskStorage, fill, KEYS, NOW, ORIGIN, tempFolder, type Teardown } from '../../audit/logs.ts'
import { createWitnessKey, type WitnessKey } from '../../audit/witness/keys.ts'
import { only } from '../../patterns.ts'
import { jsonLines, ronctl } from '../ronctl.ts'

const [ED25519 = '', ML_DSA = ''] = KEYS.map(formatVerifierKey)
const [A, B, C] = [createWitnessKey('a.example'), createWitnessKey('b.example', 0x06), createWitnessKey('c.example')]
const POLICY = `witness A ${A.vkey}\nwitness B ${B.vkey}\nwitness C ${C.vkey}\ngroup g 2 A B C\nquorum g\n`

const verdictOf = async (...args: readonly string[]) => jsonLines((await ronctl(['audit', 'verify', ...args, '--json'])).stdout)[0]

/** A log in a folder whose checkpoint has these lines too. */
async function writeLog (t: Teardown, lines: (checkpoint: ReturnType<typeof parseCheckpoint>) => ReadonlyArray<readonly [key: WitnessKey, line: string]>): Promise<string> {
  const folder = tempFolder(t)
  const { log } = createLog(diskStorage(folder))
  await log.start()
  await fill(log, 300)
  await log.publish()
  const checkpoint = parseCheckpoint(await log.file('checkpoint') ?? new Uint8Array())
  await log.amendCheckpoint(note => withCosignatures(note, checkpoint.text, lines(checkpoint).map(([key, line]) => ({ key, timeMs: 0, line }))))
  await log.stop()
  return join(folder, 'log')
}

const cosignedBy = async (t: Teardown, ...keys: readonly WitnessKey[]): Promise<string> => await writeLog(t, checkpoint => keys.map(key => [key, key.cosign(checkpoint, 5)]))

function writePolicy (t: Teardown, text: string): string {
  const file = join(tempFolder(t), 'policy')
  writeFileSync(file, text)
  return file
}

t.test('a log is verified by a policy when a quorum of its witnesses cosigned, and it is said who is missing', async t => {
  const policy = writePolicy(t, POLICY)
  const two = await cosignedBy(t, A, B)
  t.match(await verdictOf(two, '--key', ED25519, '--policy', policy), { valid: true, witnesses: { cosigned: only('A', 'B'), missing: only('C') } })
  t.match(await ronctl(['audit', 'verify', two, '--key', ED25519, '--policy', policy]), { exit: 0, stdout: /cosigned by +A\n +B\nnot cosigned by +C\n/ })
  const one = await cosignedBy(t, C)
  t.match(await verdictOf(one, '--key', ED25519, '--policy', policy), { valid: false, fault: 'quorum', message: /no quorum of witnesses: not cosigned by A, B\./, witnesses: { cosigned: only('C'), missing: only('A', 'B') } })
  t.match(await ronctl(['audit', 'verify', one, '--key', ED25519, '--policy', policy]), { exit: 1, stdout: /fault +quorum/ })
  t.match(await verdictOf(await cosignedBy(t), '--key', ED25519, '--policy', policy), { valid: false, fault: 'quorum', witnesses: { cosigned: only() } })
  t.match(await verdictOf(await cosignedBy(t), '--key', ED25519, '--policy', writePolicy(t, 'quorum none\n')), { valid: true, witnesses: { cosigned: only(), missing: only() } })
})

t.test('a cosignature that is wrong, or has no time, or is by another key of the same name, counts for nothing', async t => {
  const policy = writePolicy(t, `witness A ${A.vkey}\nquorum A\n`)
  const verify = async (lines: Parameters<typeof writeLog>[1]) => await verdictOf(await writeLog(t, lines), '--key', ED25519, '--policy', policy)
  t.match(await verify(checkpoint => [[A, A.cosign({ ...checkpoint, text: checkpoint.text.replace('300', '299') }, 5)]]), { valid: false, fault: 'signature', message: /by a.example on the checkpoint is wrong/ })
  t.match(await verify(checkpoint => [[A, A.cosign(checkpoint, 0)]]), { valid: false, fault: 'quorum' })
  const other = createWitnessKey('a.example')
  t.match(await verify(checkpoint => [[other, other.cosign(checkpoint, 5)]]), { valid: false, fault: 'quorum' })
})

t.test('the logs of a policy are trusted without a key, and a policy that is none is refused before anything is read', async t => {
  const log = await cosignedBy(t, A)
  t.match(await verdictOf(log, '--policy', writePolicy(t, `log ${ML_DSA}\nwitness A ${A.vkey}\nquorum A\n`)), { valid: true, signed_by: only(ML_DSA) })
  const [stranger = ''] = createEphemeralNoteKeys(ORIGIN).map(formatVerifierKey)
  t.match(await verdictOf(log, '--policy', writePolicy(t, `log ${stranger}\nwitness A ${A.vkey}\nquorum A\n`)), { valid: false, fault: 'signature' })
  t.match(await ronctl(['audit', 'verify', log, '--policy', writePolicy(t, POLICY)]), { exit: 2, stderr: /needs a key to trust/ })
  t.match(await ronctl(['audit', 'verify', log, '--policy', writePolicy(t, 'quorum x\nquorum y\n')]), { exit: 2, stderr: /line 1: "x" is not defined above; line 2/ })
  t.match(await ronctl(['audit', 'verify', log, '--policy', join(log, 'nowhere')]), { exit: 2, stderr: /not a file of a policy/ })
})

/** A log whose keys changed, once for each set after the first; `knows` are those that the daemon still has then. */
async function rotate (t: Teardown, sets: ReadonlyArray<readonly NoteKey[]>, knows: (at: number) => readonly NoteKey[]): Promise<string> {
  const folder = tempFolder(t)
  for (const [at, keys] of sets.entries()) {
    const { log } = createLog(diskStorage(folder), {}, keys, () => NOW, knows(at))
    await log.start()
    await fill(log, 10, at * 10)
    await log.stop()
  }
  return join(folder, 'log')
}

t.test('whoever trusts the first key follows it through every change, and is told', async t => {
  const sets = [KEYS, createEphemeralNoteKeys(ORIGIN), createEphemeralNoteKeys(ORIGIN)]
  const log = await rotate(t, sets, at => sets.slice(0, at).flat())
  const [, second = [], third = []] = sets.map(keys => keys.map(formatVerifierKey))
  for (const key of [ED25519, ML_DSA]) t.match(await verdictOf(log, '--key', key), { valid: true, size: 34, signed_by: only(...third), rotations: only({ seq: 10, to: only(...second) }, { seq: 22, to: only(...third) }) })
  t.match(await verdictOf(log, '--key', second[1] ?? ''), { valid: true, rotations: only({ seq: 22 }) })
  const last = await verdictOf(log, '--key', third[0] ?? '')
  t.match(last, { valid: true, signed_by: only(third[0]) })
  t.notOk((last as { rotations?: unknown }).rotations)
  t.match(await ronctl(['audit', 'verify', log, '--key', ED25519]), { exit: 0, stdout: /keys followed +entry 10 hands over to example.com\/audit\+.*\nkeys followed +entry 22/ })
})

t.test('keys that rotate while others write are followed too', async t => {
  const folder = tempFolder(t)
  const next = createEphemeralNoteKeys(ORIGIN)
  const { log } = createLog(diskStorage(folder))
  await log.start()
  const rotating = [fill(log, 50), log.rotateKeys(next, { actor: 'sec-1', reason: 'yearly' }), fill(log, 50, 50)]
  await Promise.all(rotating)
  await fill(log, 10, 100)
  await log.stop()
  t.match(await verdictOf(join(folder, 'log'), '--key', ED25519), { valid: true, size: 112, rotations: only({ to: only(...next.map(formatVerifierKey)) }) })
})

t.test('a change of keys that the key before did not vouch for is not followed, whoever wrote it', async t => {
  const thief = createEphemeralNoteKeys(ORIGIN)
  t.match(await verdictOf(await rotate(t, [KEYS, thief], () => []), '--key', ED25519), { valid: false, fault: 'signature', message: /no signature by a trusted key/ })
  // A log of the thief's, which names the trusted keys as those before, and holds checkpoints of other trees or by other keys.
  const real = await rotate(t, [KEYS], () => [])
  const genuine = readFileSync(join(real, 'checkpoint'), 'utf8')
  const forged = [
    genuine,
    await signCheckpoint({ origin: ORIGIN, size: 1, root: Buffer.alloc(32) }, KEYS, NOW),
    await signCheckpoint({ origin: 'example.com/other', size: 1, root: Buffer.alloc(32) }, KEYS, NOW),
    await signCheckpoint({ origin: ORIGIN, size: 1, root: Buffer.alloc(32) }, thief, NOW),
    'nonsense',
  ]
  for (const checkpoint of forged) {
    const folder = tempFolder(t)
    const { log } = createLog(diskStorage(folder), {}, thief)
    await log.start()
    await log.record(rotateAction({ actor: 'daemon', reason: '' }, KEYS, thief, NOW))
    await log.record(handoverAction(thief, checkpoint, NOW))
    await log.stop()
    t.match(await verdictOf(join(folder, 'log'), '--key', ED25519), { valid: false, fault: 'signature' })
  }
})

t.test('a handover stands right behind what it hands over, and a genuine one that was moved to another log is none', async t => {
  const next = createEphemeralNoteKeys(ORIGIN)
  const log = await rotate(t, [KEYS, next], at => at === 0 ? [] : KEYS)
  t.match(await verdictOf(log, '--key', ED25519), { valid: true, rotations: only({ seq: 10 }) })
  const entries = createLog(diskStorage(join(log, '..')), {}, next)
  await entries.log.start()
  const [rotated, handed] = await Array.fromAsync(entries.log.entries(10, 12))
  await entries.log.stop()
  t.match([rotated?.action, handed?.action], ['audit.rotate', 'audit.handover'])
  const thief = createEphemeralNoteKeys(ORIGIN)
  const folder = tempFolder(t)
  const moved = createLog(diskStorage(folder), {}, thief)
  await moved.log.start()
  await fill(moved.log, 10)
  await moved.log.record(rotateAction({ actor: 'daemon', reason: '' }, KEYS, thief, NOW))
  await moved.log.record({ actor: 'daemon', action: 'audit.handover', reason: '', opId: 'x', event: handed?.event })
  await moved.log.stop()
  t.match(await verdictOf(join(folder, 'log'), '--key', ED25519), { valid: false, fault: 'signature' })
  const { log: again } = createLog(diskStorage(join(log, '..')), {}, next)
  await again.start()
  await again.record({ actor: 'daemon', action: 'audit.handover', reason: '', opId: 'y', event: handed?.event })
  await again.stop()
  t.match(await verdictOf(log, '--key', ED25519), { valid: true, rotations: only({ seq: 10 }) }, 'one more of them later changes nothing')
})

t.test('a checkpoint that nobody trusted has signed does not make us read for ever', async t => {
  const folder = tempFolder(t)
  const stranger = createEphemeralNoteKeys(ORIGIN)
  writeFileSync(join(folder, 'checkpoint'), await signCheckpoint({ origin: ORIGIN, size: Number.MAX_SAFE_INTEGER, root: Buffer.alloc(32) }, stranger, NOW))
  t.match(await verdictOf(folder, '--key', ED25519), { valid: false, fault: 'signature', message: /too many entries/ })
})

t.test('a folder that is verified while its log is in use is read again when it grew, and not for ever', async t => {
  const folder = tempFolder(t)
  const { log } = createLog(diskStorage(folder))
  await log.start()
  await fill(log, 200)
  await log.publish()
  await using files = await openLogFiles(join(folder, 'log'))
  const expectation = { trusted: KEYS, origin: ORIGIN, minSize: 0, maxAgeMs: undefined, nowMs: NOW }
  let grow: (() => Promise<void>) | undefined = async () => {
    await fill(log, 100, 200)
    await log.publish()
  }
  const verdict = await verifyLogInUse(async path => {
    if (path !== 'checkpoint') {
      await grow?.()
      grow = undefined
    }
    return await files.read(path)
  }, expectation)
  t.match(verdict, { valid: true, size: 300 }, 'the partial tile was gone, and the new checkpoint needs it no more')

  const reads: string[] = []
  t.match(await verifyLogInUse(async path => {
    reads.push(path)
    return path === 'tile/entries/000' ? undefined : await files.read(path)
  }, expectation), { valid: false, fault: 'missing', seq: 0 })
  t.equal(reads.filter(path => path === 'checkpoint').length, 2, 'the checkpoint is as it was: it is missing')

  let checkpoints = 0
  t.match(await verifyLogInUse(async path => {
    if (path !== 'checkpoint') return undefined
    return Buffer.from(await signCheckpoint({ origin: ORIGIN, size: 300, root: Buffer.alloc(32, ++checkpoints) }, KEYS, NOW))
  }, expectation), { valid: false, fault: 'missing' }, 'one who always has another ends too')
  t.equal(checkpoints, 9)
  await log.stop()
})

t.test('a log goes on from a checkpoint that was kept, or is another history, whoever signed it', async t => {
  const grow = async (sizes: readonly number[], from: number): Promise<{ readonly folder: string, readonly heads: readonly string[] }> => {
    const folder = tempFolder(t)
    const { log } = createLog(diskStorage(folder))
    await log.start()
    const heads: string[] = []
    for (const size of sizes) {
      await fill(log, size - log.head().size, from + log.head().size)
      await log.publish()
      heads.push(join(folder, `head-${size}`))
      writeFileSync(heads.at(-1) ?? '', await log.file('checkpoint') ?? '')
    }
    await log.stop()
    return { folder: join(folder, 'log'), heads }
  }
  const ours = await grow([1, 255, 256, 257, 300], 0)
  for (const [at, head] of ours.heads.entries()) t.match(await verdictOf(ours.folder, '--key', ED25519, '--after', head), { valid: true, size: 300, continues: [1, 255, 256, 257, 300][at] })
  t.match(await ronctl(['audit', 'verify', ours.folder, '--key', ED25519, '--after', ours.heads[1] ?? '']), { exit: 0, stdout: /goes on from +the kept checkpoint of 255 entries\n/ })
  for (const sizes of [[300], [400], [256]]) {
    const fork = await grow(sizes, 5000)
    t.match(await verdictOf(fork.folder, '--key', ED25519), { valid: true }, 'by itself nothing is wrong with it')
    const { valid, fault } = await verdictOf(fork.folder, '--key', ED25519, '--after', ours.heads[4] ?? '') as { valid: boolean, fault: string }
    t.strictSame([valid, fault], [false, sizes[0] === 256 ? 'shorter' : 'fork'])
    t.match(await verdictOf(fork.folder, '--key', ED25519, '--after', ours.heads[0] ?? ''), { valid: false, fault: 'fork' })
  }
  const foreign = join(ours.folder, '../foreign')
  writeFileSync(foreign, readFileSync(ours.heads[0] ?? '', 'utf8').replaceAll(ORIGIN, 'other.example/audit'))
  t.match(await verdictOf(ours.folder, '--key', ED25519, '--after', foreign), { valid: false, fault: 'origin', message: /kept checkpoint is of the log "other.example/ })
  for (const file of [join(ours.folder, 'nowhere'), join(ours.folder, 'tile/entries/000')]) t.match(await ronctl(['audit', 'verify', ours.folder, '--key', ED25519, '--after', file]), { exit: 2, stderr: /Keep what/ })
})
