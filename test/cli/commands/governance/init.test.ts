import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { DEFAULT_SECTIONS } from '../../../../src/cli/governance/genesis-draft.ts'
import { loadConfig } from '../../../../src/config/load.ts'
import { found } from '../../../../src/governance/genesis.ts'
import { liveSettings } from '../../../../src/governance/live-values.ts'
import { only } from '../../../patterns.ts'
import { jsonLines } from '../../ronctl.ts'
import { foundingArguments, foundNetwork, makePeople } from './people.ts'

const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))

t.test('a genesis goes from signer to signer, says who is missing, and is one when everybody signed', async t => {
  const people = await makePeople(t)
  const { file, ids, run, as } = people
  const genesis = file('genesis.json')
  t.match(await run(['governance', 'init', '--out', genesis, ...foundingArguments(people), '--set', 'policy.profile=strict', '--set', 'providers.ttl_ms=12h']), { exit: 0, stdout: /signed +nobody/ })
  t.match(await as('sec1', 'governance', 'init', '--sign', genesis), { exit: 0, stdout: new RegExp(`signed +security +${ids.sec1}`), stderr: new RegExp(`Next it goes to security ${ids.sec2}`) })
  t.match(await run(['governance', 'init', '--check', genesis, '--json']), { exit: 1, stdout: new RegExp(`"signed":\\[{"id":"${ids.sec1}"`) })
  t.throws(() => found(read(genesis)), { code: 'QuorumNotMet' })
  for (const person of ['sec2', 'sec3', 'ops', 'owner', 'auditor', 'rec1', 'rec2', 'rec3'] as const) t.match(await as(person, 'governance', 'init', '--sign', genesis), { exit: 0 })
  t.match(await run(['governance', 'init', '--check', genesis]), { exit: 0, stdout: /missing +nobody/ })
  const { state } = found(read(genesis))
  t.match(state, { epoch: 0, sections: { policy: { profile: 'strict' }, providers: { ttl_ms: 43_200_000 }, charter: { quorum: 2, recovery: { threshold: 2 } } } })
})

t.test('a person sees the genesis and says yes before it is signed', async t => {
  const people = await makePeople(t)
  const { file, ids, run } = people
  const genesis = file('genesis.json')
  await run(['governance', 'init', '--out', genesis, ...foundingArguments(people), '--emergency-quorum', '2', '--lapse', '6h', '--freeze', '20m', '--business-hours', '1-5:9-17'])
  const sign = ['governance', 'init', '--sign', genesis, '--key', file('sec1'), '--passphrase-file', file('passphrase')]
  const before = read(genesis)
  t.match(await run(sign), { exit: 2, stderr: /nobody to ask/ })
  t.match(await run(sign, { answers: ['no'] }), { exit: 1, stderr: /policy +{"profile":"standard"[^]*Nothing was signed/, asked: only(/Sign this genesis\?/) })
  t.match(await run([...sign, '--dry-run']), { exit: 0, asked: only() })
  const everything = new RegExp(`quorum +2 of 3\\nemergency +2 of 3\\nwindows +lapse 6h, canary 10m, freeze 20m\\nbusiness hours +days 1, 2, 3, 4, 5, 9 to 17 UTC[^]*recovery +2 of 3\\n +${ids.rec1}[^]*\\npolicy +{"profile":"standard"`)
  t.match(await run(sign, { answers: ['no'] }), { stderr: everything }, 'all that is agreed to is shown, recovery keys as what they are')
  t.match(await run([...sign, '--dry-run']), { stdout: everything })
  t.match(await run([...sign, '--dry-run']), { stdout: new RegExp(`missing[^]*recovery  ${ids.rec1}`) })
  t.strictSame(read(genesis), before)
  t.match(await run(sign, { answers: ['y'] }), { exit: 0 })
  t.match(await run([...sign, '--yes']), { exit: 1, stderr: /signed it already/ }, 'nobody signs twice')
})

t.test('a genesis that the rules refuse is not even drafted', async t => {
  const people = await makePeople(t)
  const { file, run } = people
  const genesis = file('genesis.json')
  const init = async (...args: readonly string[]) => await run(['governance', 'init', '--out', genesis, ...args])
  t.match(await init(...foundingArguments(people), '--quorum', '4'), { exit: 2, stderr: /cannot be reached/ })
  t.match(await init(...foundingArguments(people), '--actor', `${file('sec1')}.pub`), { exit: 2, stderr: /distinct/ })
  t.match(await init('--actor', `${file('sec1')}.pub`), { exit: 2, stderr: /no recovery set/ })
  t.match(await init(...foundingArguments(people), '--set', 'providers.ttl_ms=72h'), { exit: 2, stderr: /over 48 h/ })
  t.match(await init(...foundingArguments(people), '--dry-run'), { exit: 0, stdout: /missing/ })
  t.equal(existsSync(genesis), false)
})

t.test('a genesis whose signatures or words were changed is refused', async t => {
  const people = await makePeople(t)
  const genesis = await foundNetwork(people)
  const envelope = read(genesis) as { payload: string, signatures: Array<{ sig: string }> }
  const payload = Buffer.from(envelope.payload, 'base64').toString().replace('"quorum":2', '"quorum":3')
  writeFileSync(genesis, JSON.stringify({ ...envelope, payload: Buffer.from(payload).toString('base64') }))
  t.match(await people.run(['governance', 'init', '--check', genesis]), { exit: 77, stderr: /not over these bytes/ })
})

t.test('what nobody sets is as the daemon has it by itself', async t => {
  const { changes } = liveSettings(DEFAULT_SECTIONS)
  const config = loadConfig({})
  t.match(config.kad, changes.kad)
  t.match(config.lookup, changes.lookup)
  t.match(config.providers, changes.providers)
  t.equal(config.policy.profile, DEFAULT_SECTIONS.policy.profile)
})

t.test('the parts of --json are those of the documentation', async t => {
  const people = await makePeople(t)
  const genesis = await foundNetwork(people)
  const [shown] = jsonLines((await people.run(['governance', 'init', '--check', genesis, '--json'])).stdout) as [Record<string, unknown>]
  t.strictSame(Object.keys(shown), ['network_id', 'profile', 'quorum', 'recovery_threshold', 'signed', 'missing'])
})
