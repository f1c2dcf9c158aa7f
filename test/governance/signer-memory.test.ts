import fc from 'fast-check'
import t from 'tap'
import { remember, type Signed, type SignerMemory } from '../../src/governance/signer-memory.ts'
import { NETWORK_ID } from './fixtures.ts'

const id = (n: number): string => n.toString(16).padStart(64, '0')

/** Few values, so that they meet. */
const entry: fc.Arbitrary<Signed> = fc.record({
  at: fc.integer({ min: 0, max: 40 }),
  base: fc.nat(1),
  proposal: fc.nat(3),
  network: fc.constantFrom(NETWORK_ID, 'ff'.repeat(16)),
  expires: fc.integer({ min: 10, max: 60 }),
  insteadOf: fc.option(fc.nat(3), { nil: undefined }),
  isApproval: fc.boolean(),
}).map(({ at, base, proposal, network, expires, insteadOf, isApproval }): Signed => ({
  at,
  kind: isApproval ? 'approval' : 'proposal',
  id: id(proposal),
  network_id: network,
  stand: { section: 'policy', base_digest: id(base), proposal_id: id(proposal), expires_at: expires },
  ...(insteadOf !== undefined && { instead_of: id(insteadOf) }),
}))

t.test('whatever is asked of a key, it never speaks for two changes on one base that can both still take effect', async t => {
  let [taken, refused] = [0, 0]
  fc.assert(fc.property(fc.array(entry, { maxLength: 24 }), wanted => {
    let memory: SignerMemory = []
    for (const next of wanted) {
      let after: SignerMemory
      try {
        after = remember(memory, next)
        taken++
      } catch {
        refused++
        continue
      }
      const { at } = after.at(-1) as Signed
      const givenUp = new Set(after.map(({ instead_of: left }) => left))
      const alive = after.filter(({ stand }) => stand !== undefined && (stand.expires_at ?? Infinity) > at && !givenUp.has(stand.proposal_id))
      for (const base of [id(0), id(1)]) {
        for (const network of new Set(alive.map(({ network_id: network }) => network))) {
          const spokenFor = new Set(alive.filter(({ stand, network_id: other }) => other === network && stand?.base_digest === base).map(({ stand }) => stand?.proposal_id))
          if (spokenFor.size > 1) return false
        }
      }
      if (after.some(({ at }, i) => i > 0 && at < (after[i - 1] as Signed).at)) return false
      memory = after
    }
    return true
  }), { numRuns: 500 })
  t.ok(taken > 500 && refused > 100, 'both happened')
})
