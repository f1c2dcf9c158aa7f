import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { Failure } from '../../../src/cli/failure.ts'
import { readCarried, writeCarried } from '../../../src/cli/governance/carried.ts'
import { parseChange, parseChanges } from '../../../src/cli/governance/change.ts'
import { DhtError } from '../../../src/core/errors.ts'
import { createSignerKey, readPublicKey } from '../../../src/governance/signer-key.ts'
import { SECTION_NAMES } from '../../../src/governance/state.ts'
import { Network } from '../../governance/fixtures.ts'
import { tempDirectory } from '../../http/admin/fake-daemon.ts'

const isTold = (err: unknown): boolean => err instanceof Failure || err instanceof DhtError

/** Whether a text is read, or refused with a sentence. */
function isJudged (read: () => unknown): boolean {
  try {
    read()
    return true
  } catch (err) {
    return isTold(err)
  }
}

/** A text with one piece of it replaced. */
const edit = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), length: fc.nat(40), by: fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('null', '{}', '[]', '-1', '1e999', '"')) })

t.test('a key file and a carried file with anything changed in them are read or refused, never a fault', async t => {
  const folder = tempDirectory(t)
  const key = join(folder, 'key')
  await createSignerKey(key, { role: 'ops', passphrase: Buffer.from('correct horse'), work: { memoryKib: 64, passes: 1, lanes: 1 } })
  const network = new Network()
  const carried = join(folder, 'carried')
  writeCarried(carried, { state: network.ledger.state, statements: [network.proposal('policy', { op: 'set', values: { profile: 'strict' } })] })
  t.equal(readCarried(carried).statements.length, 1)
  for (const [path, read] of [[key, readPublicKey], [carried, readCarried]] as const) {
    const text = readFileSync(path, 'utf8')
    const changed = join(folder, 'changed')
    fc.assert(fc.property(edit, ({ at, length, by }) => {
      const start = Math.floor(at * text.length)
      writeFileSync(changed, text.slice(0, start) + by + text.slice(start + length))
      return isJudged(() => read(changed))
    }), { numRuns: 300 })
  }
})

t.test('any text is a change of a section that there is, or refused', async t => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.tuple(fc.constantFrom(...SECTION_NAMES, 'other'), fc.string({ maxLength: 12 }), fc.string()).map(([section, name, value]) => `${section}.${name}=${value}`)), text => isJudged(() => {
    const { section, change } = parseChange(text)
    if (!SECTION_NAMES.includes(section) || typeof change['op'] !== 'string') throw new Error('no change')
  })), { numRuns: 1000 })
  t.pass()
})

t.test('changes are written as people say them', async t => {
  for (const [texts, expected] of [
    [['policy.profile=strict'], { section: 'policy', change: { op: 'set', values: { profile: 'strict' } } }],
    [['providers.ttl_ms=12h', 'providers.records=5'], { section: 'providers', change: { op: 'set', values: { ttl_ms: 43_200_000, records: 5 } } }],
    [['pq.require_on=true'], { section: 'pq', change: { op: 'set', values: { require_on: true } } }],
    [['policy.deny=prefixes:2001:db8::/32'], { section: 'policy', change: { op: 'deny', kind: 'prefixes', value: '2001:db8::/32' } }],
    [['bootstrap.add=/ip4/192.0.2.1/tcp/1/p2p/12D3'], { section: 'bootstrap', change: { op: 'add', seed: { endpoint: '/ip4/192.0.2.1/tcp/1', fingerprint: '12D3' } } }],
    [['bootstrap.replace=12D3,/ip4/192.0.2.1/tcp/1/p2p/12D4'], { section: 'bootstrap', change: { op: 'replace', fingerprint: '12D3', seed: { endpoint: '/ip4/192.0.2.1/tcp/1', fingerprint: '12D4' } } }],
    [['members.mode=enforce'], { section: 'members', change: { op: 'set-mode', mode: 'enforce' } }],
    [['charter.set-quorum={"values":{"quorum":3}}'], { section: 'charter', change: { op: 'set-quorum', values: { quorum: 3 } } }],
  ] as const) t.strictSame(parseChanges(texts), expected, texts.join(' '))
})
