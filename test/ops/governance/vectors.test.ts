import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { preAuthEncoding } from '@sigstore/core/dist/dsse.js'
import t from 'tap'
import { exampleGenesis, vectors, WARNING } from '../../../ops/governance/example.ts'
import type { Envelope } from '../../../src/governance/envelope.ts'
import { found } from '../../../src/governance/genesis.ts'
import { stateRoot } from '../../../src/governance/state.ts'

const folder = join(import.meta.dirname, '../../../governance')
const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'))
interface Golden {
  readonly warning: string
  readonly pae: ReadonlyArray<{ readonly payload_type: string, readonly payload_utf8: string, readonly pae_hex: string }>
  readonly proposal: { readonly payload_utf8: string, readonly id: string }
  readonly genesis: { readonly payload_sha256: string, readonly state_root: string }
  readonly canonical_json: ReadonlyArray<{ readonly value: unknown, readonly text: string, readonly sha256: string }>
}
const golden = read('vectors/governance.json') as Golden

t.test('the code computes the golden vectors', async t => {
  t.strictSame(JSON.parse(JSON.stringify(vectors())), golden)
})

t.test('the example is a genesis of its state root, and says that its keys are public', async t => {
  const genesis = read('example/genesis.json') as Envelope
  t.equal(genesis.payload, exampleGenesis().payload)
  t.equal(stateRoot(found(genesis).state), golden.genesis.state_root)
  t.equal(golden.warning, WARNING)
  t.match(readFileSync(join(folder, 'README.md'), 'utf8'), /public test keys/)
})

t.test('@sigstore/core gives the same pre-authentication encoding', async t => {
  for (const { payload_type: type, payload_utf8: text, pae_hex: hex } of golden.pae) t.equal(preAuthEncoding(type, Buffer.from(text)).toString('hex'), hex)
})

const hasPython = spawnSync('python3', ['--version']).status === 0

t.test('Python gives the same canonical JSON and SHA-256', { skip: hasPython ? false : 'no python3 here: nobody else judged the vectors' }, async t => {
  const script = `
import hashlib, json, sys
out = []
for text in json.load(sys.stdin):
    made = json.dumps(json.loads(text), sort_keys=True, separators=(',', ':'), ensure_ascii=False)
    out.append([made, hashlib.sha256(made.encode()).hexdigest()])
print(json.dumps(out))`
  const genesis = Buffer.from((read('example/genesis.json') as Envelope).payload, 'base64').toString()
  const texts = [...golden.canonical_json.map(({ value }) => JSON.stringify(value)), golden.proposal.payload_utf8, genesis]
  const { stdout, status } = spawnSync('python3', ['-X', 'utf8', '-c', script], { input: JSON.stringify(texts), encoding: 'utf8' })
  t.equal(status, 0)
  const expected = [...golden.canonical_json.map(({ text, sha256 }) => [text, sha256]), [golden.proposal.payload_utf8, golden.proposal.id], [genesis, golden.genesis.payload_sha256]]
  t.strictSame(JSON.parse(stdout), expected)
})
