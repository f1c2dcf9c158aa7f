import { verify, createPublicKey } from 'node:crypto'
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Custody } from '../../src/kms/custody.ts'
import { EphemeralKeyStore, type KeyStore } from '../../src/kms/key-store.ts'
import { SealedKeyStore } from '../../src/kms/sealed-key-store.ts'

const PASSPHRASE = Buffer.from('correct horse')
const ID = Buffer.from('v1:id:nonce')
const openFolder = async (folder: string) => await SealedKeyStore.open(folder, PASSPHRASE)

const BACKENDS: Readonly<Record<string, (dir: string) => Promise<KeyStore>>> = {
  ephemeral: async () => new EphemeralKeyStore(),
  'sealed-file': async dir => await openFolder(join(dir, 'keys')),
}

for (const [name, open] of Object.entries(BACKENDS)) {
  t.test(`${name}: keys are made at the first start, and are the same when opened again`, async t => {
    const store = await open(t.testdir({}))
    const custody = await Custody.open(store)
    const again = await Custody.open(store)
    t.equal(custody.current, 1)
    t.same(again.firstSignature(1, 'g1', ID), custody.firstSignature(1, 'g1', ID))
    t.same(again.noteKeys('log').map(({ publicKey }) => publicKey), custody.noteKeys('log').map(({ publicKey }) => publicKey))
  })

  t.test(`${name}: every grant has a root key of its own, and every version too`, async t => {
    const custody = await Custody.open(await open(t.testdir({})))
    await custody.rotate('macaroon-root')
    const signatures = [custody.firstSignature(1, 'g1', ID), custody.firstSignature(1, 'g2', ID), custody.firstSignature(2, 'g1', ID)]
    t.equal(new Set(signatures.map(bytes => Buffer.from(bytes).toString('hex'))).size, 3)
  })

  t.test(`${name}: a rotation adds a version, which is used for what is new; retiring leaves the newest alone`, async t => {
    const store = await open(t.testdir({}))
    const custody = await Custody.open(store)
    const before = custody.firstSignature(1, 'g1', ID)
    t.equal(await custody.rotate('macaroon-root'), 2)
    t.equal(custody.current, 2)
    t.same(custody.firstSignature(1, 'g1', ID), before)
    t.same(custody.versions('audit-log'), [1], 'another purpose stays as it is')
    t.same(custody.retire('macaroon-root'), [1])
    t.throws(() => custody.firstSignature(1, 'g1', ID), { message: 'macaroon-root has no version 1' })
    t.same((await Custody.open(store)).versions('macaroon-root'), [2])
  })

  t.test(`${name}: when the newest version of each key was made is told at each opening and rotation`, async t => {
    const store = await open(t.testdir({}))
    const told: Array<readonly [string, number]> = []
    const onNewest = (purpose: string, madeAt: number): void => { told.push([purpose, madeAt]) }
    const custody = await Custody.open(store, { onNewest })
    t.same(told.map(([purpose]) => purpose), ['macaroon-root', 'audit-log'])
    await Custody.open(store, { onNewest })
    t.same(told.slice(2), told.slice(0, 2), 'opening makes nothing younger')
    await custody.rotate('macaroon-root')
    t.same(told[4], ['macaroon-root', store.madeAt('macaroon-root', 2)])
    t.throws(() => store.madeAt('macaroon-root', 9), { message: /no version 9|ENOENT/ })
  })

  t.test(`${name}: a version that is missing or there already is said`, async t => {
    const store = await open(t.testdir({}))
    const custody = await Custody.open(store)
    await t.rejects(store.load('macaroon-root', 9), { message: /macaroon-root has no version 9/ })
    await t.rejects(store.save('macaroon-root', 1, Buffer.alloc(32)), { message: /already/ })
    t.throws(() => custody.noteKeys('log', 2), { message: 'audit-log has no version 2' })
  })
}

t.test('the audit log’s keys sign what their public keys verify', async t => {
  const custody = await Custody.open(new EphemeralKeyStore())
  const message = Buffer.from('checkpoint')
  const [ed25519, mlDsa] = custody.noteKeys('log')
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), ed25519?.publicKey ?? Buffer.alloc(0)])
  t.ok(verify(null, message, createPublicKey({ key: spki, format: 'der', type: 'spki' }), ed25519?.sign(message) ?? Buffer.alloc(0)))
  t.equal(mlDsa?.sign(message).byteLength, 2420)
})

t.test('rotations are bounded', async t => {
  const custody = await Custody.open(new EphemeralKeyStore())
  for (let version = 2; version <= 16; version++) await custody.rotate('macaroon-root')
  await t.rejects(custody.rotate('macaroon-root'), { message: /retire/ })
})

t.test('a new version that does not come back as it was stored is not used', async t => {
  const store = new EphemeralKeyStore()
  const custody = await Custody.open(store)
  const isWorn = { load: async () => Buffer.alloc(32), save: store.save.bind(store), versions: store.versions.bind(store), remove: store.remove.bind(store), madeAt: store.madeAt.bind(store) }
  const worn = await Custody.open(isWorn)
  await t.rejects(worn.rotate('macaroon-root'), { message: /not as it was stored/ })
  t.same(store.versions('macaroon-root'), [1])
  t.equal(custody.current, 1)
})

t.test('each fault of the folder has its own sentence', async t => {
  const dir = t.testdir({})
  const folder = join(dir, 'keys')
  const custody = await Custody.open(await openFolder(folder))
  await custody.rotate('macaroon-root')
  await custody.rotate('macaroon-root')
  const file = (name: string) => join(folder, name)
  t.same([statSync(folder).mode & 0o777, ...readdirSync(folder).map(name => statSync(file(name)).mode & 0o777)], [0o700, 0o600, 0o600, 0o600, 0o600, 0o600])
  const reopened = async () => await Custody.open(await openFolder(folder))

  await t.rejects(SealedKeyStore.open(folder, Buffer.from('wrong')), { message: `the passphrase does not open ${folder}` })

  const sealed = readFileSync(file('macaroon-root.3.key'), 'utf8')
  const parsed = JSON.parse(sealed) as { sealed: string, schema: string }
  writeFileSync(file('macaroon-root.3.key'), JSON.stringify({ ...parsed, sealed: Buffer.alloc(32).toString('base64') }))
  await t.rejects(reopened(), { message: /macaroon-root\.3\.key was altered/ })
  writeFileSync(file('macaroon-root.3.key'), JSON.stringify({ ...parsed, schema: 'svc-dht/sealed/9' }))
  await t.rejects(reopened(), { message: /schema "svc-dht\/sealed\/9" is not known/ })

  copyFileSync(file('macaroon-root.2.key'), file('macaroon-root.3.key'))
  await t.rejects(reopened(), { message: /it holds a secret for "custody\/macaroon-root\/2", not for "custody\/macaroon-root\/3"/ })
  copyFileSync(file('audit-log.1.key'), file('macaroon-root.3.key'))
  await t.rejects(reopened(), { message: /it holds a secret for "custody\/audit-log\/1"/ })
  writeFileSync(file('macaroon-root.3.key'), sealed)

  rmSync(file('macaroon-root.2.key'))
  await t.rejects(reopened(), { message: /macaroon-root\.2\.key is missing/ })
  rmSync(file('macaroon-root.1.key'))
  t.same((await reopened()).versions('macaroon-root'), [3])

  rmSync(file('passphrase.check'))
  await t.rejects(reopened(), { message: /passphrase\.check is missing/ })
})

t.test('a folder that others can enter is refused', async t => {
  const folder = join(t.testdir({}), 'keys')
  mkdirSync(folder)
  chmodSync(folder, 0o755)
  await t.rejects(openFolder(folder), { message: /is open to other users/ })
})
