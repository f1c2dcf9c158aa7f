import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { DaemonProcess, until } from '../../ops/drills/daemon-process.ts'
import type { Envelope } from '../../src/governance/envelope.ts'
import type { AuditHeadBody, GovernanceStateBody, GovernanceStatusBody, ProposalDetailBody, StatementBody } from '../../src/http/admin/wire.ts'
import { charterOf, everyone, genesisOf, Network, stateOf } from './fixtures.ts'

/** More of them: SVC_TEST_KILLS=200 npx tap run --timeout=3600 … */
const KILLS = Number(process.env['SVC_TEST_KILLS'] ?? 8)
/** Some whole rounds of a proposal, and some that end in the middle. */
const LONGEST_LIFE_MS = 500
/** A folder keeps 1024 proposals for a week; more are refused. */
const KILLS_PER_FOLDER = 25

t.setTimeout(120_000 + KILLS * 15_000)

/** The stages of a proposal that is not stopped, in their order. */
const STAGES = ['review', 'approved', 'promoted']

/** What a client was told of a proposal. */
interface Acknowledged { readonly stage: string, readonly approvals: number }

/** A governed macronode's folder, and what its clients were told: it outlives the processes that run on it. */
class Home {
  readonly folder = mkdtempSync(join(tmpdir(), 'svc-dht-gov-crash-'))
  readonly network = new Network()
  /** Of the last life. */
  readonly told = new Map<string, Acknowledged>()
  statements = 0
  executions = 0
  /** Sent when the process was killed: nobody knows whether they were taken. */
  unanswered = 0

  constructor () {
    const { cast } = this.network
    writeFileSync(join(this.folder, 'passphrase'), 'a test on loopback\n', { mode: 0o600 })
    writeFileSync(this.genesis, JSON.stringify(genesisOf(stateOf(charterOf(cast)), everyone(cast))))
  }

  get genesis (): string { return join(this.folder, 'genesis.json') }

  async start (): Promise<DaemonProcess> {
    return await DaemonProcess.start({
      'node.profile': 'macronode',
      'node.dataDir': join(this.folder, 'data'),
      'identity.keyFile': join(this.folder, 'identity.sealed'),
      'identity.passphraseFile': join(this.folder, 'passphrase'),
      'governance.genesis': this.genesis,
      'audit.checkpointInterval': '50ms',
    })
  }

  /** Undefined when the process died before it answered. */
  async send (daemon: DaemonProcess, path: string, envelope: Envelope): Promise<StatementBody | undefined> {
    let answer
    try {
      answer = await daemon.admin('POST', `/v1/governance/${path}`, { body: { envelope } })
    } catch {
      this.unanswered++
      return undefined
    }
    if (answer.status !== 200) throw new Error(`${path} was refused: ${JSON.stringify(answer.body)}`)
    const body = answer.body as StatementBody
    this.statements++
    this.told.set(body.proposal?.id ?? '', { stage: body.proposal?.stage ?? '', approvals: body.proposal?.approvals.length ?? 0 })
    return body
  }

  /** Proposals, each through its whole life, until the process is dead. */
  async govern (daemon: DaemonProcess): Promise<void> {
    const { network, network: { cast } } = this
    for (;;) {
      network.at = Date.now()
      const state = await read<GovernanceStateBody>(daemon, '/v1/governance/state').catch(() => undefined)
      if (state === undefined) return
      const change = { op: 'set-mode', mode: modeAt(state.epoch + 1) }
      const proposed = await this.send(daemon, 'proposals', network.proposal('members', change, { base_digest: state.digests.members, reason: `statement ${this.statements}` }))
      if (proposed === undefined) return
      const { id } = proposed
      for (const keys of cast.sec.slice(0, 2)) if (await this.send(daemon, `proposals/${id}/approvals`, network.about('approval', id, keys)) === undefined) return
      if (await this.send(daemon, `proposals/${id}/execute`, network.about('execution', id, cast.ops)) === undefined) return
      this.executions++
    }
  }

  /** Whoever governs ends what the crash left in the middle. */
  async tidy (daemon: DaemonProcess): Promise<void> {
    const { proposals } = await read<{ readonly proposals: readonly ProposalDetailBody[] }>(daemon, '/v1/governance/proposals')
    this.network.at = Date.now()
    for (const { id, stage } of proposals) if (stage === 'review' || stage === 'approved') await this.send(daemon, `proposals/${id}/veto`, this.network.about('veto', id, this.network.cast.sec[2]))
    this.told.clear()
  }
}

/** Every change turns the mode, so the number of changes tells it. */
function modeAt (epoch: number): string {
  return epoch % 2 === 0 ? 'off' : 'observe'
}

async function read<T> (daemon: DaemonProcess, path: string): Promise<T> {
  const { status, body } = await daemon.admin('GET', path)
  if (status !== 200) throw new Error(`${path}: ${JSON.stringify(body)}`)
  return body as T
}

async function nothingIsLost (t: Test, home: Home, daemon: DaemonProcess): Promise<void> {
  const status = await read<GovernanceStatusBody>(daemon, '/v1/governance/status')
  const { inputs = 0, epoch = 0 } = status
  t.equal(status.fault, undefined, 'what is kept is trusted')
  t.ok(inputs >= home.statements && inputs <= home.statements + home.unanswered, `${inputs} inputs: all ${home.statements} that were acknowledged, and at most the ${home.unanswered} without an answer`)
  t.ok(epoch >= home.executions && epoch <= home.executions + home.unanswered, `epoch ${epoch}: all ${home.executions} executions`)
  for (const [id, { stage, approvals }] of home.told) {
    const found = await read<ProposalDetailBody>(daemon, `/v1/governance/proposals/${id}`)
    if (STAGES.indexOf(found.stage) < STAGES.indexOf(stage) || found.approvals.length < approvals) t.fail(`proposal ${id} was ${stage}, and is ${found.stage}`)
  }
  const state = await read<GovernanceStateBody>(daemon, '/v1/governance/state')
  t.equal(state.sections.members.mode, modeAt(epoch), 'the state is the one that this many changes lead to')
  const { reasons = [] } = await (await fetch(`${daemon.started.ops}/readyz`)).json() as { readonly reasons?: ReadonlyArray<{ readonly condition: string }> }
  t.strictSame(reasons.filter(({ condition }) => condition === 'governance' || condition === 'audit'), [], 'readiness has nothing against governance and log')
}

/** Whoever has only genesis and log comes to the same state. */
async function replayAgrees (t: Test, home: Home, daemon: DaemonProcess): Promise<void> {
  await until(async () => {
    const { size, published } = await read<AuditHeadBody>(daemon, '/v1/audit/head')
    return published === size
  }, 'the log is published')
  const { root, inputs } = await read<GovernanceStatusBody>(daemon, '/v1/governance/status')
  const { code, stdout, stderr } = await daemon.ronctl('membership', 'verify-log', '--genesis', home.genesis, '--json')
  t.equal(code, 0, stderr)
  t.match(JSON.parse(stdout), { valid: true, root, inputs }, 'the log alone leads to the same root')
}

async function live (t: Test, home: Home, kill: number): Promise<void> {
  await using daemon = await home.start()
  await nothingIsLost(t, home, daemon)
  if (kill > 0) await replayAgrees(t, home, daemon)
  await home.tidy(daemon)
  const governing = home.govern(daemon)
  await Promise.race([governing, sleep(Math.random() * LONGEST_LIFE_MS)]) // throws when a statement is refused
  daemon.signal('SIGKILL')
  await governing
}

t.test(`killed ${KILLS} times while it governs, a daemon has every statement that was acknowledged, and its log leads to its state`, async t => {
  let statements = 0
  for (let done = 0; done < KILLS; done += KILLS_PER_FOLDER) {
    const home = new Home()
    t.teardown(() => rmSync(home.folder, { recursive: true, force: true }))
    const kills = Math.min(KILLS_PER_FOLDER, KILLS - done)
    for (let kill = 0; kill < kills; kill++) await live(t, home, kill)
    await using daemon = await home.start()
    await nothingIsLost(t, home, daemon)
    await replayAgrees(t, home, daemon)
    statements += home.statements
    t.comment(`${home.statements} statements acknowledged, ${home.executions} of them executions; ${home.unanswered} without an answer`)
  }
  t.ok(statements > KILLS, `${statements} statements were acknowledged between the kills`)
})
