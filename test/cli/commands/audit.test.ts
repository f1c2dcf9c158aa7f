import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { signCheckpoint } from '../../../src/audit/format/checkpoint.ts'
import { formatVerifierKey } from '../../../src/audit/format/note.ts'
import { parseProofFile } from '../../../src/audit/format/proof-file.ts'
import type { RotatedBy } from '../../../src/audit/format/rotation.ts'
import { emptyRoot } from '../../../src/audit/format/tree.ts'
import { MemoryLogStorage } from '../../../src/audit/storage/memory.ts'
import { EventHub } from '../../../src/http/admin/event-hub.ts'
import { createEphemeralNoteKeys } from '../../../src/kms/note-keys.ts'
import { action, createLog, diskStorage, fill, KEYS, NOW, ORIGIN, tempFolder, type Teardown } from '../../audit/logs.ts'
import { startDaemon } from '../../http/admin/fake-daemon.ts'
import { only } from '../../patterns.ts'
import { start } from '../../process.ts'
import { jsonLines, ronctl } from '../ronctl.ts'

const [ED25519 = '', ML_DSA = ''] = KEYS.map(formatVerifierKey)

/** A daemon with a log of `count` entries. */
async function serve (t: Teardown, count: number) {
  const { log } = createLog(new MemoryLogStorage({ limitBytes: 1e8 }))
  await log.start()
  t.teardown(async () => await log.stop())
  await fill(log, count)
  await log.publish()
  const events = new EventHub({ limit: 1000, limitBytes: 1e6 }, { onLagged: () => {} })
  log.subscribe(entry => events.publish({ topic: 'audit', entry }, NOW))
  const auditKeys = { rotate: async (by: RotatedBy) => await log.rotateKeys(createEphemeralNoteKeys(ORIGIN), by) }
  return { log, events, socket: await startDaemon(t, { audit: log, auditKeys, actions: log, events }) }
}

/** A log in a folder, as a daemon leaves it. */
async function writeLog (t: Teardown, count = 300, origin = ORIGIN): Promise<string> {
  const folder = tempFolder(t)
  const { log } = createLog(diskStorage(folder), { origin }, origin === ORIGIN ? KEYS : createEphemeralNoteKeys(origin))
  await log.start()
  await fill(log, count)
  await log.stop()
  return join(folder, 'log')
}

const verify = async (path: string, ...options: readonly string[]) => await ronctl(['audit', 'verify', path, '--key', ED25519, '--json', ...options])

t.test('log prints the entries, by time and action, and in JSON as the log has them', async t => {
  const { log, socket } = await serve(t, 1200)
  await log.record(action(1200, { action: 'proposal.approve', actor: 'sec-1' }))
  const all = await ronctl(['audit', 'log', '--json', '--socket', socket])
  t.strictSame(jsonLines(all.stdout), await Array.fromAsync(log.entries()))
  const one = await ronctl(['audit', 'log', '--action', 'proposal', '--socket', socket])
  t.strictSame([one.exit, one.stdout, one.stderr], [0, '  1200  2026-01-02T03:04:05.000Z  proposal.approve    sec-1  for test 1200\n', '1 entry\n'])
  t.equal((await ronctl(['audit', 'log', '--since', '1s', '--socket', socket])).stderr, '1201 entries\n', 'the clock of the test is the time of the entries')
  t.match(await ronctl(['audit', 'log', '--since', 'x', '--socket', socket]), { exit: 2 })
})

t.test('log --follow goes on with new entries, without gap or repetition, until it is stopped', async t => {
  const { log, socket } = await serve(t, 3)
  const stop = new AbortController()
  const seen: number[] = []
  const following = ronctl(['audit', 'log', '--follow', '--json', '--socket', socket], {
    signal: stop.signal,
    onStdout: text => {
      const { seq } = JSON.parse(text)
      seen.push(seq)
      if (seq === 2) fill(log, 50, 3).catch(err => t.fail(err))
      if (seq === 52) stop.abort()
    },
  })
  t.match(await following, { exit: 0, stderr: '' })
  t.strictSame(seen, Array.from({ length: 53 }, (_, seq) => seq))
})

t.test('a signal ends log --follow at once, and what was printed stays whole', async t => {
  const { socket } = await serve(t, 3)
  const { child, exit, printed } = start(t, 'ronctl', ['audit', 'log', '--follow', '--json', '--socket', socket])
  await printed(/"seq":2.*\n/)
  child.kill('SIGTERM')
  t.match(await exit, { signal: 'SIGTERM', stderr: '', stdout: /\n$/ })
})

t.test('tail prints events of its topic, earlier ones too, and says when the daemon ended', async t => {
  const { log, events, socket } = await serve(t, 0)
  events.publish({ topic: 'readiness', readiness: { ready: false, reasons: [{ condition: 'audit', reason: 'damaged' }] } }, NOW)
  await log.record(action(0))
  const stop = new AbortController()
  const tail = await ronctl(['tail', '--topic', 'readiness', '--since', '10m', '--socket', socket], { signal: stop.signal, onStdout: () => stop.abort() })
  t.match(tail, { exit: 0, stdout: '2026-01-02T03:04:05.000Z  not ready: audit: damaged\n' })
  const again = new AbortController()
  const audit = await ronctl(['tail', '--topic', 'audit', '--since', '10m', '--json', '--socket', socket], { signal: again.signal, onStdout: () => again.abort() })
  t.match(jsonLines(audit.stdout), only({ topic: 'audit', entry: { seq: 0 } }))
  t.match(await ronctl(['tail', '--topic', 'lookups', '--socket', socket]), { exit: 2, stderr: /audit, readiness/ })
})

t.test('head shows the keys, and proof prints a file that verifies by itself', async t => {
  const { log, socket } = await serve(t, 300)
  t.match((await ronctl(['audit', 'head', '--socket', socket])).stdout, 'published from        entry 0\nroot')
  t.match((await ronctl(['audit', 'head', '--socket', socket])).stdout, `keys                  ${ED25519}`)
  t.strictSame(jsonLines((await ronctl(['audit', 'head', '--json', '--socket', socket])).stdout), [JSON.parse(JSON.stringify({ ...log.head() }))])
  t.equal((await ronctl(['audit', 'head', '--keys', '--socket', socket])).stdout, `${ED25519}\n${ML_DSA}\n`)
  const { stdout } = await ronctl(['audit', 'proof', '7', '--socket', socket])
  t.equal(parseProofFile(Buffer.from(stdout)).index, 7)
  t.match(await ronctl(['audit', 'proof', '300', '--socket', socket]), { exit: 1, stderr: /No checkpoint covers an entry 300/ })
})

t.test('rotate-key needs a reason, and says which keys sign from here on', async t => {
  const { socket } = await serve(t, 3)
  t.match(await ronctl(['audit', 'rotate-key', '--socket', socket]), { exit: 2, stderr: /--reason/ })
  t.match(await ronctl(['audit', 'rotate-key', '--reason', 'yearly', '--socket', socket]), { exit: 0, stdout: /^in the log as +entry 3\nkeys +example\.com\/audit\+/ })
  t.match(jsonLines((await ronctl(['audit', 'rotate-key', '--reason', 'again', '--json', '--socket', socket])).stdout), only({ seq: 5, keys: only(/^example/, /^example/) }))
  const { stdout } = await ronctl(['audit', 'verify', '--key', ED25519, '--socket', socket])
  t.match(stdout, /keys followed +entry 3 hands over to/, 'by the key of before')
})

t.test('verify says from where entries are kept', async t => {
  const { log } = createLog(new MemoryLogStorage({ limitBytes: 2_000_000 }))
  await log.start()
  t.teardown(async () => await log.stop())
  await fill(log, 3000)
  await log.publish()
  const { minimum } = log.head()
  t.ok(minimum > 0)
  await log.publish()
  const socket = await startDaemon(t, { audit: log, actions: log })
  t.match(await ronctl(['audit', 'head', '--socket', socket]), { exit: 0, stdout: new RegExp(`published from +entry ${minimum}\\n`) })
  t.match(await ronctl(['audit', 'verify', '--socket', socket]), { exit: 0, stdout: new RegExp(`kept from +entry ${minimum}: older`) })
})

t.test('verify asks the daemon, says whose keys it believed, and takes others', async t => {
  const { socket } = await serve(t, 300)
  const own = await ronctl(['audit', 'verify', '--socket', socket])
  t.match(own, { exit: 0, stdout: /^verified +yes\norigin +example.com\/audit\nentries +300\n/, stderr: /keys that the daemon names itself/ })
  t.match(await ronctl(['audit', 'verify', '--key', ED25519, '--socket', socket]), { exit: 0, stderr: '' })
  const [stranger = ''] = createEphemeralNoteKeys(ORIGIN).map(formatVerifierKey)
  t.match(await ronctl(['audit', 'verify', '--key', stranger, '--socket', socket]), { exit: 1, stdout: /no signature by a trusted key/ })
})

t.test('head shows how the keys of the log changed, and whether the ones before vouched for the new', async t => {
  const { log, socket } = await serve(t, 3)
  t.match(await ronctl(['audit', 'head', '--rotations', '--socket', socket]), { exit: 0, stdout: /rotations +none: no entry that is kept names other keys/ })
  const first = log.head().keys
  await log.rotateKeys(createEphemeralNoteKeys(ORIGIN), { actor: 'sec-1', reason: 'yearly' })
  const second = log.head().keys
  await fill(log, 1100, 3)
  await log.record(action(9000, { action: 'audit.rotate', actor: 'daemon', reason: 'the old ones were lost', event: { from: second, to: [ED25519] } }))
  const { exit, stdout } = await ronctl(['audit', 'head', '--rotations', '--json', '--socket', socket])
  t.equal(exit, 0)
  t.match(jsonLines(stdout), only({
    size: 1106,
    rotations: only({ seq: 3, actor: 'sec-1', reason: 'yearly', from: first, to: second, vouched_in: 4 }, { seq: 1105, from: second, to: only(ED25519), vouched_in: undefined }),
  }))
  t.match((await ronctl(['audit', 'head', '--rotations', '--socket', socket])).stdout, /rotated +entry 3, .*, by sec-1: yearly\n(?:.*\n){4} +vouched for +by the keys before, in entry 4\nrotated +entry 1105, (?:.*\n){4} +vouched for +no/)
  t.match(await ronctl(['audit', 'head', '--socket', socket]), { exit: 0, stdout: /^((?!rotat).)*$/s })
  t.match(await ronctl(['audit', 'head', '--keys', '--rotations', '--socket', socket]), { exit: 2 })
})

t.test('a daemon names its keys as text: a file here is not read because it says so', async t => {
  const { log } = await serve(t, 3)
  const file = join(tempFolder(t), 'keys')
  writeFileSync(file, ED25519)
  const named = (keys: readonly string[]) => ({ head: () => ({ ...log.head(), keys }), file: async (path: string) => await log.file(path), proof: async (seq: number) => await log.proof(seq), rawEntries: (from?: number, to?: number) => log.rawEntries(from, to) })
  for (const [keys, stderr] of [[[file], /not a verifier key/], [[], /no key to verify by/]] as const) {
    t.match(await ronctl(['audit', 'verify', '--socket', await startDaemon(t, { audit: named(keys), actions: log })]), { exit: 2, stdout: '', stderr })
  }
})

t.test('an exported log verifies as a folder and as an archive, without the daemon', async t => {
  const { socket } = await serve(t, 700)
  const folder = tempFolder(t)
  for (const path of [join(folder, 'copy'), join(folder, 'copy.tar')]) {
    t.match(await ronctl(['audit', 'export', path, '--socket', socket]), { exit: 0, stdout: /entries +700/ })
    t.match(jsonLines((await verify(path)).stdout), only({ valid: true, size: 700, signed_by: only(ED25519) }))
    t.match(await ronctl(['audit', 'export', path, '--socket', socket]), { exit: 2 }, 'nothing is overwritten')
  }
  const refused = join(folder, 'refused.tar')
  const [stranger = ''] = createEphemeralNoteKeys(ORIGIN).map(formatVerifierKey)
  t.match(await ronctl(['audit', 'export', refused, '--key', stranger, '--socket', socket]), { exit: 1 })
  t.notOk(existsSync(refused))
  t.match(await ronctl(['audit', 'verify', join(folder, 'copy')]), { exit: 2, stderr: /needs a key to trust/ })
})

function flip (file: string, at: number): void {
  const bytes = readFileSync(file)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(file, bytes)
}

t.test('each fault of a folder, and of its archive, gets a sentence of its own', async t => {
  const pristine = await writeLog(t)
  const faults: ReadonlyArray<readonly [damage: (folder: string) => void, fault: string, message: RegExp, seq?: number]> = [
    [folder => flip(join(folder, 'tile/entries/000'), 5000), 'entry', /^Entry \d+ was altered/],
    [folder => flip(join(folder, 'tile/entries/000'), 0), 'entry', /a length was changed/, 0],
    [folder => flip(join(folder, 'tile/0/000'), 100), 'tile', /does not hold the hash of entry 3/, 3],
    [folder => flip(join(folder, 'tile/1/000.p/1'), 7), 'tile', /tile\/1\/000\.p\/1/],
    [folder => rmSync(join(folder, 'tile/entries/000')), 'missing', /entries from 0 on, is missing/, 0],
    [folder => rmSync(join(folder, 'checkpoint')), 'missing', /There is no checkpoint/],
    [folder => writeFileSync(join(folder, 'checkpoint'), 'x'), 'checkpoint', /cannot be read/],
    [folder => flip(join(folder, 'checkpoint'), ORIGIN.length + 6), 'signature', /signature by example.com\/audit on the checkpoint is wrong/],
  ]
  const said = new Set<string>()
  for (const [damage, fault, message, seq] of faults) {
    const folder = join(tempFolder(t), 'log')
    cpSync(pristine, folder, { recursive: true })
    damage(folder)
    t.equal(spawnSync('tar', ['-cf', `${folder}.tar`, '-C', folder, '.']).status, 0)
    for (const path of [folder, `${folder}.tar`]) {
      const { exit, stdout } = await verify(path)
      const [verdict] = jsonLines(stdout) as Array<{ readonly message: string }>
      t.equal(exit, 1)
      t.match(verdict, { valid: false, fault, message, ...(seq !== undefined && { seq }) }, path)
      said.add(verdict?.message ?? '')
    }
  }
  t.equal(said.size, faults.length, 'no two faults read alike')
})

t.test('a shortened log, an old checkpoint, an untrusted key and another daemon\'s log are told apart', async t => {
  const folder = await writeLog(t)
  t.match(jsonLines((await verify(folder, '--min-size', '300')).stdout), only({ valid: true }))
  t.match(jsonLines((await verify(folder, '--min-size', '310')).stdout), only({ valid: false, fault: 'shorter', message: 'The log has 300 entries; at least 310 were expected.' }))
  t.match(jsonLines((await verify(folder, '--max-age', '1h')).stdout), only({ fault: 'stale', message: /No trusted key signed when/ }), 'an Ed25519 signature has no time')
  t.match(jsonLines((await verify(folder, '--max-age', '1h', '--key', ML_DSA)).stdout), only({ valid: true, signed_at: new Date(NOW).toISOString() }))
  const stranger = createEphemeralNoteKeys(ORIGIN).map(formatVerifierKey)
  const by = async (path: string, ...args: readonly string[]) => jsonLines((await ronctl(['audit', 'verify', path, '--json', ...args])).stdout)
  t.match(await by(folder, '--key', stranger[0] ?? ''), only({ fault: 'signature', message: 'The checkpoint has no signature by a trusted key.' }))
  const other = await writeLog(t, 300, 'other.example/audit')
  t.match(await by(other, '--key', ED25519), only({ fault: 'origin', message: 'The checkpoint is of the log "other.example/audit", not of "example.com/audit".' }))
})

t.test('an old checkpoint is too old', async t => {
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'checkpoint'), await signCheckpoint({ origin: ORIGIN, size: 0, root: emptyRoot() }, KEYS, NOW - 7_200_000))
  t.match(jsonLines((await verify(folder, '--key', ML_DSA, '--max-age', '1h')).stdout), only({ fault: 'stale', message: /signed at 2026-01-02T01:04:05.000Z, longer ago than allowed/ }))
  t.match(jsonLines((await verify(folder, '--key', ML_DSA, '--max-age', '3h')).stdout), only({ valid: true }))
})

t.test('a checkpoint from the future has no age, and one whose time no calendar has is signed wrongly', async t => {
  const folder = tempFolder(t)
  const signAt = async (ms: number) => { writeFileSync(join(folder, 'checkpoint'), await signCheckpoint({ origin: ORIGIN, size: 0, root: emptyRoot() }, KEYS, ms)) }
  await signAt(NOW + 3_600_000)
  t.match(jsonLines((await verify(folder, '--key', ML_DSA, '--max-age', '1h')).stdout), only({ valid: false, fault: 'stale', message: /2026-01-02T04:04:05.000Z, which is yet to come/ }))
  await signAt(NOW + 60_000)
  t.match(jsonLines((await verify(folder, '--key', ML_DSA, '--max-age', '1h')).stdout), only({ valid: true }), 'clocks differ a little')
  await signAt(8_640_000_000_001_000)
  t.match(jsonLines((await verify(folder, '--key', ML_DSA)).stdout), only({ valid: false, fault: 'signature' }))
})

t.test('keys come from a file too, and what is no key is refused before anything is read', async t => {
  const folder = await writeLog(t, 5)
  const file = join(tempFolder(t), 'keys')
  writeFileSync(file, `# ours\n${ED25519}\n\n${ML_DSA}\n`)
  t.match(await ronctl(['audit', 'verify', folder, '--key', file]), { exit: 0, stdout: /signed at +2026/ })
  for (const key of ['nonsense', 'a+b+c', ED25519.replace(/\+.{8}\+/, '+00000000+')]) t.match(await ronctl(['audit', 'verify', folder, '--key', key]), { exit: 2 }, key)
  t.match(await ronctl(['audit', 'verify', join(folder, 'nowhere'), '--key', file]), { exit: 2, stderr: /cannot be used/ })
})
