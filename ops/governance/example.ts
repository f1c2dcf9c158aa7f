import { createHash } from 'node:crypto'
import { canonicalJson } from '../../src/core/digest.ts'
import type { Role } from '../../src/governance/actor.ts'
import { pae, payloadOf, type Envelope } from '../../src/governance/envelope.ts'
import { found } from '../../src/governance/genesis.ts'
import { statementId } from '../../src/governance/ledger.ts'
import { addSignatures, signStatement, toActor, toSigningKeys, type SigningKeys } from '../../src/governance/signing.ts'
import { apply, sectionDigest, SECTION_NAMES, stateRoot, type SectionName, type State } from '../../src/governance/state.ts'

/** Said in every file: whoever reads this code can sign as these actors. */
export const WARNING = 'PUBLIC TEST KEYS: anyone can sign with them. Never use this genesis, or a key of it, for a network.'

const CREATED_AT = Date.UTC(2026, 0, 5, 9)
const HOUR_MS = 3_600_000
const NETWORK_ID = 'e0'.repeat(16)
const NAMES: ReadonlyArray<readonly [string, Role]> = [
  ['sec-1', 'security'], ['sec-2', 'security'], ['sec-3', 'security'], ['ops', 'ops'], ['owner', 'owner'], ['auditor', 'auditor'],
]
const RECOVERY = ['recovery-1', 'recovery-2', 'recovery-3'] as const
const CHANGES: ReadonlyArray<readonly [SectionName, object]> = [
  ['policy', { op: 'set', values: { profile: 'strict' } }],
  ['providers', { op: 'set', values: { ttl_ms: 12 * HOUR_MS } }],
  ['members', { op: 'add', node: { id: 'node-1', keys: { peer_id: '12D3KooWExamp1e1', node_id: 'ab'.repeat(32) }, roles: ['server'], status: 'active' } }],
]

/** The seed of a test key is the SHA-256 of its public name. */
function keysOf (name: string): SigningKeys {
  const seed = (algorithm: string): Buffer => createHash('sha256').update(`svc-dht public test key ${name} ${algorithm}`).digest()
  return toSigningKeys({ ed25519: seed('ed25519'), mlDsa87: seed('ml-dsa-87') })
}

function stateOf (): State {
  const none = { peers: [], prefixes: [], asns: [], countries: [] }
  return {
    schema: 'svc-dht/governance/state/1',
    network_id: NETWORK_ID,
    epoch: 0,
    sections: {
      charter: {
        profile: 'macronode',
        actors: NAMES.map(([name, role]) => toActor(keysOf(name), role)),
        quorum: 2,
        windows: { lapse_ms: 24 * HOUR_MS, canary_ms: HOUR_MS / 6, freeze_ms: HOUR_MS },
        recovery: { threshold: 2, keys: RECOVERY.map(name => toActor(keysOf(name), 'owner')) },
      },
      members: { mode: 'off', nodes: [] },
      network: { concurrency: 3, disjoint_paths: 3, lookup_deadline_ms: 25_000, rpcs_per_peer_per_second: 500, rpcs_per_prefix_per_second: 2000 },
      providers: { ttl_ms: 24 * HOUR_MS, records: 1_000_000, records_per_peer: 100_000, records_per_prefix: 300_000, records_per_key: 1000 },
      policy: { profile: 'standard', allow: none, deny: none },
      bootstrap: { seeds: [{ fingerprint: '12D3KooWBootstrap1', endpoint: '/ip4/127.0.0.1/tcp/7460' }] },
      pq: { require_on: false },
      overrides: { active: [] },
      freezes: { active: [] },
    },
  }
}

/** The genesis without signatures: ML-DSA's are another text each time, the bytes that are signed are not. */
function genesisBody (): object {
  return { schema: 'svc-dht/governance/genesis/1', created_at: CREATED_AT, state: stateOf() }
}

/** The example genesis, signed by everybody in it. */
export function exampleGenesis (): Envelope {
  const [first, ...rest] = [...NAMES.map(([name]) => name), ...RECOVERY].map(keysOf)
  return rest.reduce(addSignatures, signStatement('genesis', genesisBody(), first as SigningKeys))
}

/** What every implementation must compute alike. */
export function vectors (): object {
  const genesis = signStatement('genesis', genesisBody(), keysOf('sec-1'))
  const { state } = found(exampleGenesis())
  const author = keysOf('ops')
  const [section, change] = CHANGES[0] as (typeof CHANGES)[number]
  const proposal = signStatement('proposal', {
    schema: 'svc-dht/governance/proposal/1',
    network_id: NETWORK_ID,
    actor: author.id,
    created_at: CREATED_AT,
    service: 'svc-dht',
    section,
    base_digest: sectionDigest(state, section),
    change,
    authority: 'quorum',
    reason: 'eclipse risk – tighten for 48 h',
    risk: 'fewer peers',
    rollback: { plan: 'the profile of before', within_ms: HOUR_MS },
    watch: ['lookup_p95'],
    expires_at: CREATED_AT + 72 * HOUR_MS,
  }, author)
  let current = state
  const roots = CHANGES.map(([section, change]) => {
    current = apply(current, { section, baseDigest: sectionDigest(current, section), change, at: CREATED_AT })
    return { section, change, section_digest: sectionDigest(current, section), state_root: stateRoot(current) }
  })
  return {
    warning: WARNING,
    pae: [['http://example.com/HelloWorld', 'hello world'], ['', ''], ['ünï', 'çode 😀']].map(([type = '', text = '']) =>
      ({ payload_type: type, payload_utf8: text, pae_hex: pae(type, Buffer.from(text)).toString('hex') })),
    actors: [...NAMES.map(([name]) => name), ...RECOVERY].map(name => ({ name, id: keysOf(name).id, ed25519: keysOf(name).publicKeys.ed25519 })),
    proposal: describe(proposal),
    genesis: { payload_sha256: statementId(genesis), state_root: stateRoot(state), section_digests: Object.fromEntries(SECTION_NAMES.map(name => [name, sectionDigest(state, name)])) },
    changes: roots,
    canonical_json: [{ b: 1, a: [true, null, 'é\n'], é: { z: 0, y: 12 } }, [], ''].map(value => ({ value, text: canonicalJson(value), sha256: createHash('sha256').update(canonicalJson(value)).digest('hex') })),
  }
}

function describe (signed: Envelope): object {
  const ed25519 = signed.signatures.find(({ keyid }) => keyid.endsWith('/ed25519'))
  return {
    payload_type: signed.payloadType,
    payload_utf8: payloadOf(signed).toString('utf8'),
    id: statementId(signed),
    pae_sha256: createHash('sha256').update(pae(signed.payloadType, payloadOf(signed))).digest('hex'),
    ed25519,
  }
}
