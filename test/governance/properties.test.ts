import fc from 'fast-check'
import t from 'tap'
import { ownCanaries, sectionsInForce } from '../../src/governance/in-force.ts'
import { ledgerDigest, type Ledger } from '../../src/governance/ledger.ts'
import type { SigningKeys } from '../../src/governance/signing.ts'
import { checkState, type SectionName } from '../../src/governance/state.ts'
import { step, type Input } from '../../src/governance/step.ts'
import { due } from '../../src/governance/timers.ts'
import { toActor } from '../../src/governance/signing.ts'
import { Network, keysOf, refusal, DAY, HOUR, PEER } from './fixtures.ts'

const RUNS = Number(process.env['GOVERNANCE_RUNS'] ?? 60)

const CHANGES: ReadonlyArray<readonly [SectionName, object]> = [
  ['policy', { op: 'set', values: { profile: 'strict' } }],
  ['policy', { op: 'set', values: { profile: 'open' } }],
  ['network', { op: 'set', values: { concurrency: 7 } }],
  ['network', { op: 'set', values: { rpcs_per_peer_per_second: 5000 } }], // illegal: over its prefix
  ['providers', { op: 'set', values: { ttl_ms: 72 * HOUR } }], // illegal: over 48 h
  ['members', { op: 'add', node: { id: 'n', keys: { peer_id: '12D3KooWNode' }, roles: [], status: 'active' } }],
  ['members', { op: 'revoke', id: 'n' }],
  ['members', { op: 'remove', id: 'n' }],
  ['charter', { op: 'revoke-actor', actor_id: keysOf('sec-3').id }],
  ['charter', { op: 'add-actor', actor: toActor(keysOf('new'), 'security') }],
  ['charter', { op: 'set-quorum', values: { quorum: 3 } }],
  ['charter', { op: 'set-quorum', values: { quorum: 1 } }], // illegal here
  ['bootstrap', { op: 'remove', fingerprint: PEER }], // illegal: the last
  ['bootstrap', { op: 'replace', fingerprint: PEER, seed: { fingerprint: PEER, endpoint: '/ip4/127.0.0.2/tcp/7460' } }],
  ['overrides', { op: 'grant', override: { id: 'o', kind: 'allow-peer', peer_id: PEER }, duration_ms: DAY }],
  ['freezes', { op: 'freeze', scope: 'policy', duration_ms: HOUR }],
]
const WHO = ['sec-1', 'sec-2', 'sec-3', 'new', 'ops', 'owner', 'auditor', 'stranger']
const ABOUT = ['approval', 'veto', 'execution', 'promotion', 'rollback']

const single = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('propose' as const), change: fc.nat(CHANGES.length - 1), who: fc.nat(WHO.length - 1), isEmergency: fc.boolean() }) },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('say' as const), kind: fc.nat(ABOUT.length - 1), which: fc.nat(5), who: fc.nat(WHO.length - 1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, HOUR / 6, HOUR, DAY) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('canary' as const), which: fc.nat(5), isGreen: fc.boolean() }) },
)

/** Mostly one thing at a time; sometimes somebody pushes a change all the way, with whatever signers they found. */
const actions = fc.array(fc.oneof(
  { weight: 6, arbitrary: single.map(one => [one]) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat(CHANGES.length - 1), fc.uniqueArray(fc.nat(WHO.length - 1), { maxLength: 4 }), fc.boolean(), fc.boolean()).map(([change, signers, isGreen, isEmergency]): Action[] => {
      const say = (kind: string, who: string): Action => ({ do: 'say', kind: ABOUT.indexOf(kind), which: 0, who: WHO.indexOf(who) })
      return [
        { do: 'propose', change, who: WHO.indexOf('ops'), isEmergency },
        ...signers.map(who => say('approval', WHO[who] ?? '')),
        say('execution', 'ops'),
        { do: 'wait', ms: HOUR / 6 },
        { do: 'canary', which: 0, isGreen },
        say('promotion', 'ops'),
      ]
    })
  },
), { minLength: 10, maxLength: 50 }).map(parts => parts.flat())
type Action = typeof single extends fc.Arbitrary<infer T> ? T : never

/** What an action tells the network now; undefined where there is nothing to tell about. */
function toInput (network: Network, action: Action, only?: SigningKeys): Input | undefined {
  const by = (who: number): SigningKeys => only ?? keysOf(WHO[who] ?? '')
  const proposals = [...network.ledger.proposals.keys()]
  switch (action.do) {
    case 'propose': {
      const [section, change] = CHANGES[action.change] ?? ['policy', {}]
      const more = { authority: action.isEmergency || section === 'freezes' ? 'emergency' : 'quorum' }
      return { kind: 'statement', envelope: network.proposal(section, change, more, by(action.who)) }
    }
    case 'say': {
      const id = proposals.at(-1 - action.which)
      const kind = ABOUT[action.kind] ?? ''
      return id === undefined ? undefined : { kind: 'statement', envelope: network.about(kind, id, by(action.who)) }
    }
    case 'canary': {
      const proposalId = proposals.at(-1 - action.which)
      return proposalId === undefined ? undefined : { kind: 'canary', proposalId, verdict: action.isGreen ? 'green' : 'red' }
    }
    case 'wait':
      network.at += action.ms
      return undefined
  }
}

interface Taken { readonly input: Input, readonly at: number }

/** Plays the actions and hands every step to `see`; gives back what was accepted. */
function play (network: Network, actions: readonly Action[], see: (before: Ledger, after: Ledger) => void, only?: SigningKeys): Taken[] {
  const taken: Taken[] = []
  const take = (input: Input): void => {
    const before = network.ledger
    const reason = refusal(() => { network.ledger = step(network.ledger, input, network.at) })
    if (!/^(accepted|gov_\w+)$/.test(reason)) throw new Error(reason)
    if (reason !== 'accepted') return
    taken.push({ input, at: network.at })
    see(before, network.ledger)
  }
  for (const action of actions) {
    const input = toInput(network, action, only)
    if (input !== undefined) take(input)
    for (const timer of due(network.ledger, network.at)) take({ kind: 'timer', timer })
  }
  return taken
}

const epochs = { seen: 0 }

t.test('no order of inputs, valid or not, reaches an illegal state; every change had its quorum; a replay ends alike', async t => {
  const start = new Network().ledger
  fc.assert(fc.property(actions, actions => {
    const network = new Network()
    const taken = play(network, actions, (before, after) => {
      checkState(after.state, network.at)
      sectionsInForce(after, network.at, ownCanaries(after, 'anyone'))
      if (after.state.epoch === before.state.epoch) return
      epochs.seen += 1
      const promoted = [...after.proposals.values()].filter(({ id, stage }) => stage === 'promoted' && before.proposals.get(id)?.stage !== 'promoted')
      for (const { approvals } of promoted) {
        const active = before.state.sections.charter.actors.filter(({ role, status }) => role === 'security' && status === 'active').map(({ id }) => id)
        const signers = new Set(approvals.map(({ actor }) => actor).filter(id => active.includes(id)))
        if (signers.size < before.state.sections.charter.quorum) throw new Error('a change without its quorum')
      }
    })
    const replayed = taken.reduce((ledger, { input, at }) => step(ledger, input, at), start)
    if (ledgerDigest(replayed) !== ledgerDigest(network.ledger)) throw new Error('the replay differs')
  }), { numRuns: RUNS })
  t.ok(epochs.seen > 10, `${epochs.seen} changes were enacted on the way`)
})

t.test('one actor alone, whoever it is, changes nothing', async t => {
  const root = new Network().ledger.state
  let accepted = 0
  fc.assert(fc.property(fc.constantFrom(...WHO), actions, (who, actions) => {
    const network = new Network()
    accepted += play(network, actions, () => {}, keysOf(who)).length
    if (network.ledger.state !== root && JSON.stringify(network.ledger.state) !== JSON.stringify(root)) throw new Error(`${who} changed the state alone`)
  }), { numRuns: RUNS })
  t.ok(accepted > 0)
})
