import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseCheckpoint } from '../../src/audit/format/checkpoint.ts'
import { formatVerifierKey } from '../../src/audit/format/note.ts'
import { withCosignatures } from '../../src/audit/witness/add-checkpoint.ts'
import { createLog, diskStorage, fill, KEYS, tempFolder } from './logs.ts'
import { createWitnessKey } from './witness/keys.ts'

const GOPATH = '/usr/share/gocode'
const hasGo = spawnSync('go', ['version']).status === 0 && existsSync(join(GOPATH, 'src/golang.org/x/mod/sumdb'))

t.setTimeout(300_000)

t.test('Go\'s sumdb opens the checkpoint and proves inclusion and consistency in the log', {
  skip: hasGo ? false : 'Go or golang-golang-x-mod-dev is not installed: the judge did not run', timeout: 300_000,
}, async t => {
  const folder = tempFolder(t)
  const program = join(folder, 'judge')
  const built = spawnSync('go', ['build', '-o', program, join(import.meta.dirname, 'judge/main.go')], {
    encoding: 'utf8', cwd: folder, env: { ...process.env, GO111MODULE: 'off', GOPATH, GOFLAGS: '', GOCACHE: join(folder, 'cache') },
  })
  t.equal(built.status, 0, built.stderr)
  const { log } = createLog(diskStorage(folder))
  await log.start()
  const judge = async () => {
    await log.publish()
    const [ed25519] = KEYS
    return spawnSync(program, [join(folder, 'log'), ed25519 === undefined ? '' : formatVerifierKey(ed25519)], { encoding: 'utf8' }).stdout.trim()
  }
  await fill(log, 700)
  t.equal(await judge(), 'OK size=700 verified=1 unverified=1 inclusion=6 consistency=4')
  await fill(log, 65_537, 700)
  t.equal(await judge(), 'OK size=66237 verified=1 unverified=1 inclusion=6 consistency=5')
  const checkpoint = parseCheckpoint(await log.file('checkpoint') ?? new Uint8Array())
  const cosignatures = ([0x04, 0x06] as const).map(type => createWitnessKey('witness.example', type)).map(key => ({ key, timeMs: 1000, line: key.cosign(checkpoint, 1) }))
  await log.amendCheckpoint(note => withCosignatures(note, checkpoint.text, cosignatures))
  t.equal(await judge(), 'OK size=66237 verified=1 unverified=3 inclusion=6 consistency=5', 'cosignatures are passed over by who does not know the witnesses')
  await log.stop()
})
