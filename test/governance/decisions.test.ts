import t from 'tap'
import { findRed, isAllotted } from '../../src/governance/canary.ts'
import { decideMember } from '../../src/governance/membership.ts'
import type { Members } from '../../src/governance/sections/members.ts'

t.test('a canary takes about a tenth, another tenth for another proposal, and the same each time', async t => {
  const units = Array.from({ length: 5000 }, (_, i) => `node-${i}`)
  const [one, other] = ['a', 'b'].map(id => new Set(units.filter(unit => isAllotted(unit, id))))
  for (const part of [one, other]) t.ok((part?.size ?? 0) > 400 && (part?.size ?? 0) < 600, String(part?.size))
  t.ok((one?.intersection(other ?? new Set()).size ?? 999) < 100)
})

t.test('a canary is red when lookups slow down, more is rejected, readiness goes, or nothing can be measured', async t => {
  const before = { lookupP95Ms: 400, rejectRatio: 0.01, isReady: true }
  t.equal(findRed(before, { ...before, lookupP95Ms: 600 }), undefined)
  t.equal(findRed(before, { ...before, lookupP95Ms: 601 }), 'lookups are slower')
  t.equal(findRed(before, { ...before, rejectRatio: 0.07 }), 'more is rejected')
  t.equal(findRed(before, { ...before, isReady: false }), 'not ready')
  t.equal(findRed(before, { ...before, lookupP95Ms: Number.NaN }), 'lookups are slower')
})

t.test('an enforced list refuses strangers, the revoked, and keys of two members; observing only counts', async t => {
  const node = (id: string, status: 'active' | 'revoked') => ({ id, keys: { peer_id: `peer-${id}`, node_id: `node-${id}` }, roles: [], status })
  const list = (mode: Members['mode']): Members => ({ mode, nodes: [node('a', 'active'), node('b', 'revoked'), node('c', 'active')] })
  t.strictSame(decideMember(list('enforce'), { peerId: 'peer-a', nodeId: 'node-a' }), { isRefused: false })
  t.strictSame(decideMember(list('enforce'), { peerId: 'peer-b' }), { isRefused: true, fault: 'revoked' })
  t.strictSame(decideMember(list('enforce'), { peerId: 'peer-a', nodeId: 'node-c' }), { isRefused: true, fault: 'unknown' })
  t.strictSame(decideMember(list('enforce'), {}), { isRefused: true, fault: 'unknown' })
  t.strictSame(decideMember(list('observe'), { peerId: 'peer-b' }), { isRefused: false, fault: 'revoked' })
  t.strictSame(decideMember(list('off'), { peerId: 'peer-b' }), { isRefused: false })
})
