import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Envelope } from '../../../src/governance/envelope.ts'
import { signStatement } from '../../../src/governance/signing.ts'
import { askAdmin } from '../../admin.ts'
import { startTestDaemon, type TestDaemon } from '../../daemon.ts'
import { charterOf, DAY, everyone, genesisOf, HOUR, keysOf, Network, NETWORK_ID, stateOf } from '../../governance/fixtures.ts'
import { countOf, type Produce } from './produce.ts'

// The reasons of governance: statements that a governed daemon refuses over its admin API.

const SEED = { fingerprint: '12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf', endpoint: '/ip4/127.0.0.1/tcp/1' }
const STRICT = { op: 'set', values: { profile: 'strict' } }

interface Governed {
  readonly network: Network
  readonly daemon: TestDaemon
  send (path: string, envelope: Envelope): Promise<{ readonly status: number, readonly body: unknown }>
  /** Proposes what `make` makes and has it approved; its id. */
  agree (approvals: number, envelope?: Envelope): Promise<string>
}

async function govern (t: Test, { isPq = false, genesis = '' } = {}): Promise<Governed> {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-gov-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const network = new Network({ isPq, ...(isPq && { sections: { pq: { require_on: true } } }) })
  network.at = Date.now()
  const file = join(folder, 'genesis.json')
  writeFileSync(file, JSON.stringify(genesisOf(stateOf(charterOf(network.cast), { bootstrap: { seeds: [SEED] }, ...(isPq && { pq: { require_on: true } }) }), everyone(network.cast))))
  const daemon = await startTestDaemon(t, { flags: { 'discv5.enabled': 'false', 'governance.genesis': genesis === '' ? file : genesis } })
  const send = async (path: string, envelope: Envelope) => await askAdmin(daemon.adminSocket, 'POST', `/v1/governance/${path}`, { envelope })
  const agree = async (approvals: number, envelope = network.proposal('policy', STRICT)): Promise<string> => {
    const { status, body } = await send('proposals', envelope)
    if (status !== 200) throw new Error(JSON.stringify(body))
    const { id } = body as { readonly id: string }
    for (const keys of network.cast.sec.slice(0, approvals)) await send(`proposals/${id}/approvals`, network.about('approval', id, keys))
    return id
  }
  return { network, daemon, send, agree }
}

function refused (refuse: (governed: Governed) => Promise<unknown>, options: Parameters<typeof govern>[1] = {}): Produce {
  return async (t, reason) => {
    const governed = await govern(t, options)
    return await countOf(governed.daemon, reason, async () => await refuse(governed))
  }
}

/** A proposal that is wrong in one way. */
const proposal = (more: (network: Network) => Record<string, unknown>): Produce => refused(async ({ network, send }) => await send('proposals', network.proposal('policy', STRICT, more(network))))

/** One statement about a proposal that has so many approvals. */
function about (path: string, kind: string, approvals: number, by: (network: Network) => Parameters<Network['about']>[2] = ({ cast }) => cast.ops): Produce {
  return refused(async ({ network, send, agree }) => {
    const id = await agree(approvals)
    return await send(`proposals/${id}/${path}`, network.about(kind, id, by(network)))
  })
}

async function weakly ({ network, send }: Governed): Promise<unknown> {
  const { ops } = network.cast
  return await send('proposals', network.proposal('policy', STRICT, {}, { ...ops, privateKeys: new Map([...ops.privateKeys].filter(([algorithm]) => algorithm === 'ed25519')) }))
}

async function frozen ({ network, daemon, send, agree }: Governed): Promise<unknown> {
  const id = await agree(3, network.proposal('freezes', { op: 'freeze', scope: 'writes', duration_ms: HOUR }, { authority: 'emergency' }))
  await send(`proposals/${id}/execute`, network.about('execution', id, network.cast.ops))
  return await askAdmin(daemon.adminSocket, 'POST', '/v1/providers', { key: `b3:${'aa'.repeat(32)}` })
}

async function tooEarly ({ network, send, agree }: Governed): Promise<unknown> {
  const id = await agree(2)
  await send(`proposals/${id}/execute`, network.about('execution', id, network.cast.ops))
  return await send(`proposals/${id}/promote`, network.about('promotion', id, network.cast.ops))
}

async function tooMany ({ network, send }: Governed): Promise<void> {
  for (let number = 0; number < 65; number++) await send('proposals', network.proposal('policy', STRICT, { reason: `number ${number}` }))
}

export const GOVERNANCE = {
  gov_schema: proposal(() => ({ extra: 1 })),
  gov_size: proposal(() => ({ reason: 'x'.repeat(40_000) })),
  gov_signature: about('approvals', 'approval', 0, ({ cast }) => ({ ...keysOf('forger'), id: cast.sec[0].id })),
  gov_signer: about('approvals', 'approval', 0, () => keysOf('forger')),
  gov_duplicate: about('approvals', 'approval', 1, network => {
    network.at += 1
    return network.cast.sec[0]
  }),
  gov_quorum: about('execute', 'execution', 1),
  gov_replay: refused(async ({ network, send }) => {
    const same = network.proposal('policy', STRICT)
    await send('proposals', same)
    await send('proposals', same)
  }),
  gov_base: proposal(() => ({ base_digest: 'f'.repeat(64) })),
  gov_network: proposal(() => ({ network_id: 'f'.repeat(32) })),
  gov_expired: proposal(({ at }) => ({ created_at: at - 2 * DAY, expires_at: at - DAY })),
  gov_clock: proposal(({ at }) => ({ created_at: at + HOUR })),
  gov_rule: refused(async ({ network, send }) => await send('proposals', network.proposal('charter', { op: 'set-quorum', values: { quorum: 9 } }))),
  gov_stage: about('rollback', 'rollback', 0),
  gov_window: refused(tooEarly),
  gov_pq: refused(weakly, { isPq: true }),
  gov_limit: refused(tooMany),
  gov_unknown: refused(async ({ network: { at, cast }, send }) => await send('disputes', signStatement('dispute', {
    schema: 'svc-dht/governance/dispute/1',
    network_id: NETWORK_ID,
    actor: cast.auditor.id,
    created_at: at,
    subject: `proposal:${'a'.repeat(64)}`,
    summary: 'one is missing',
    evidence: [],
    requested_override: 'none',
    impact: 'none',
    contacts: 'the auditor',
  }, cast.auditor))),
  gov_restricted: refused(async ({ network, send }) => await send('proposals', network.proposal('policy', STRICT)), { genesis: '/nonexistent/genesis.json' }),
  frozen: refused(frozen),
} satisfies Record<string, Produce>
