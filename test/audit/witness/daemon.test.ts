import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openCheckpoint, verifySignatures } from '../../../src/audit/format/checkpoint.ts'
import { deriveNoteKeys } from '../../../src/kms/note-keys.ts'
import { createEphemeralIdentity } from '../../../src/kms/identity.ts'
import { startTestDaemon, until } from '../../daemon.ts'
import { only } from '../../patterns.ts'
import { tempFolder } from '../logs.ts'
import { createWitnessKey } from './keys.ts'
import { startWitness } from './stub-witness.ts'

t.setTimeout(60_000)

const ORIGIN = 'daemon.example/audit'

t.test('a daemon with a policy publishes its checkpoint cosigned, and still after a restart', async t => {
  const folder = tempFolder(t)
  const identity = createEphemeralIdentity()
  const keys = deriveNoteKeys(ORIGIN, identity)
  const witness = await startWitness(t, { logs: new Map([[ORIGIN, keys]]) })
  const policy = join(folder, 'policy')
  writeFileSync(policy, `${witness.policyLines('w')}quorum w\n`)
  const flags = { 'node.profile': 'macronode', 'node.dataDir': folder, 'audit.origin': ORIGIN, 'audit.witnessPolicy': policy, 'audit.checkpointInterval': '10ms' }
  const cosigned = async (url: string | undefined): Promise<number | undefined> => {
    const response = await fetch(`${url}/audit/checkpoint`)
    if (response.status !== 200) return undefined
    const checkpoint = openCheckpoint(new Uint8Array(await response.arrayBuffer()), ORIGIN, keys)
    return verifySignatures(checkpoint, checkpoint.signatures, witness.keys).length === 1 ? checkpoint.size : undefined
  }
  for (const run of ['first', 'second']) {
    const daemon = await startTestDaemon(t, { flags, identity })
    await until(async () => await cosigned(daemon.publicUrl) !== undefined, `a cosigned checkpoint in the ${run} run`)
    await daemon[Symbol.asyncDispose]()
  }
  t.ok(witness.seen.every(({ status }) => status === 200), 'each time it knew where the witness was')
  t.ok(witness.seen.length > 0)
})

t.test('a policy that was changed is in force after a reload, and one that is wrong never', async t => {
  const folder = tempFolder(t)
  const identity = createEphemeralIdentity()
  const logs = new Map([[ORIGIN, deriveNoteKeys(ORIGIN, identity)]])
  const [first, second] = [await startWitness(t, { name: 'first.example', logs }), await startWitness(t, { name: 'second.example', logs })]
  const policy = join(folder, 'policy')
  writeFileSync(policy, `${first.policyLines('a')}quorum a\n`)
  const flags = { 'node.profile': 'macronode', 'node.dataDir': folder, 'audit.origin': ORIGIN, 'audit.witnessPolicy': policy, 'audit.checkpointInterval': '10ms' }
  const daemon = await startTestDaemon(t, { flags, identity })
  const metrics = async (): Promise<string> => await (await fetch(`${daemon.opsUrl}/metrics`)).text()
  const cosigners = async (): Promise<string[]> => {
    const response = await fetch(`${daemon.publicUrl}/audit/checkpoint`)
    const checkpoint = response.status === 200 ? openCheckpoint(new Uint8Array(await response.arrayBuffer()), ORIGIN, logs.get(ORIGIN) ?? []) : undefined
    return checkpoint === undefined || checkpoint.size === 0 ? [] : verifySignatures(checkpoint, checkpoint.signatures, [...first.keys, ...second.keys]).map(({ key }) => key.name)
  }
  await until(async () => (await cosigners()).includes('first.example'), 'a cosignature of the first')

  writeFileSync(policy, 'witness a nonsense\n')
  t.equal(daemon.reloadWitnessPolicy(), false)
  t.match(daemon.logs.find(({ event }) => event === 'witness_policy_refused'), { mistakes: only(/policy: line 1: the key cannot be used/, /there is no quorum line/) })
  t.match(await metrics(), 'witness_lag_entries{witness="a"} 0', 'the first is still waited for')

  writeFileSync(policy, `${second.policyLines('b')}${second.policyLines('b').replace('witness b', 'witness c').replace(second.keys[0]?.vkey ?? '', createWitnessKey('third.example').vkey).replace(/ http.*/, '')}group g any b c\nquorum g\n`)
  t.equal(daemon.reloadWitnessPolicy(), true)
  await until(async () => (await cosigners()).includes('second.example'), 'a cosignature of the second')
  t.notMatch(await metrics(), 'witness_lag_entries{witness="a"}', 'nobody waits for the first any more')
  t.match(await metrics(), 'svc_dht_audit_witnesses 2')
})

t.test('a policy that cannot be read, is wrong, or names a witness out of reach is a mistake of the configuration', async t => {
  const folder = tempFolder(t)
  const lasting = { 'node.profile': 'macronode', 'node.dataDir': folder }
  const refused = async (name: string, flags: Readonly<Record<string, string>> = lasting) => await startTestDaemon(t, { flags: { ...flags, 'audit.witnessPolicy': join(folder, name) } })
    .then(() => [], err => (err as { mistakes: readonly string[] }).mistakes)
  t.match(await refused('nowhere'), only(/^audit\.witnessPolicy: .*nowhere cannot be read \(ENOENT\)$/))
  t.match(await refused('.'), only(/^audit\.witnessPolicy: .* is not a file of at most/))
  writeFileSync(join(folder, 'wrong'), 'witness w nonsense\nquorum x\n')
  t.match(await refused('wrong'), only(/wrong: line 1: the key cannot be used/, /wrong: line 2: "x" is not defined above/))
  writeFileSync(join(folder, 'far'), `witness w ${createWitnessKey('w').vkey} http://w.example\nquorum w\n`)
  t.match(await refused('far'), only(/far: line 1: .* neither https nor http on loopback/))
  t.match(await refused('far', {}), only(/^audit\.witnessPolicy: needs node\.profile macronode and node\.dataDir/))
})
