import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { openSealedIdentity } from '../../src/kms/identity.ts'
import { DaemonProcess, runRonctl, until, type Ended } from './daemon-process.ts'
import type { Notes } from './drill.ts'

/** Two of three signers are the quorum, all three the emergency quorum; both of the recovery set. */
const ACTORS = { sec1: 'security', sec2: 'security', sec3: 'security', ops: 'ops' } as const
const RECOVERY = { rec1: 'owner', rec2: 'owner' } as const
/** Nodes that are members from the start; members are enforced. */
const NODES = ['fra-1', 'fra-2', 'fra-3'] as const
export type Node = (typeof NODES)[number]

const PAGES = join(import.meta.dirname, '../runbooks')
/** Cheaper to start, and no drill of governance needs it. */
const QUIET = { 'discv5.enabled': 'false', 'kad.bootstrapProbeInterval': '200ms', 'kad.bootstrapLapse': '1s' }

/** Founded once a process, by the commands that people use; each drill has a copy of its own. */
let founded: Promise<Founded> | undefined

/** A folder, and what its programs run with: a cache of what they are compiled to, since a drill starts dozens of them. */
interface Place { readonly folder: string, readonly env: Readonly<Record<string, string>> }
interface Founded extends Place { readonly peerIds: Readonly<Record<Node, string>> }

/** What became of a change that was proposed, approved and executed. */
export interface Agreed {
  readonly number: string
  /** When the answer to the last approval was there, on the clock of `performance`. */
  readonly approvedAt: number
  /** When the execution was handed in. */
  readonly executedAt: number
  readonly executed: Ended
}

/** A governed network and all its people, through `ronctl` and daemons that are processes. */
export class GovernedNetwork {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly peerIds: Readonly<Record<Node, string>>
  /** The commands that were followed, as `governance approve`. */
  readonly #followed = new Set<string>()

  private constructor ({ folder, env, peerIds }: Founded) {
    this.folder = folder
    this.env = env
    this.peerIds = peerIds
  }

  static async open (stack: AsyncDisposableStack): Promise<GovernedNetwork> {
    founded ??= found()
    const { folder, env, peerIds } = await founded
    const copy = mkdtempSync(join(tmpdir(), 'svc-dht-drill-'))
    stack.defer(() => rmSync(copy, { recursive: true, force: true }))
    cpSync(folder, copy, { recursive: true, filter: name => name !== env['NODE_COMPILE_CACHE'] })
    return new GovernedNetwork({ folder: copy, env, peerIds })
  }

  /** Starts a node with more settings: a member, unless it is called something else. */
  async start (stack: AsyncDisposableStack, node: string, settings: Readonly<Record<string, string>> = {}): Promise<DaemonProcess> {
    return stack.use(await DaemonProcess.start({ ...QUIET, ...identity(this.folder, node), ...settings }, this.env))
  }

  /** What makes a node a governed one. */
  get governed (): Readonly<Record<string, string>> {
    return { 'governance.genesis': this.file('genesis.json') }
  }

  file (name: string): string {
    return join(this.folder, name)
  }

  /** A command of the runbook that needs no key. */
  async follow (daemon: DaemonProcess, ...args: string[]): Promise<Ended> {
    this.#note(args)
    return await daemon.ronctl(...args)
  }

  /** A command of the runbook away from any daemon. */
  async followAway (...args: string[]): Promise<Ended> {
    this.#note(args)
    return await runRonctl(args, this.env)
  }

  /** A command of the runbook that somebody signs. */
  async followAs (person: string, daemon: DaemonProcess, ...args: string[]): Promise<Ended> {
    return await this.follow(daemon, ...args, ...this.keyOf(person))
  }

  /** What is tried and is on no page: by a thief, or to see that it is refused. */
  async tryAs (person: string, daemon: DaemonProcess, ...args: string[]): Promise<Ended> {
    return await daemon.ronctl(...args, ...this.keyOf(person))
  }

  keyOf (person: string): readonly string[] {
    return ['--key', this.file(`${person}.key`), '--passphrase-file', this.file('passphrase'), '--yes']
  }

  /** The id by which the charter knows somebody. */
  async idOf (person: string): Promise<string> {
    const { actor } = JSON.parse(mustSucceed(await runRonctl(['key', 'show', this.file(`${person}.key.pub`), '--json'], this.env)).stdout) as { readonly actor: { readonly id: string } }
    return actor.id
  }

  /** Makes a new key, as the page says. */
  async newKey (name: string, role: 'security' | 'ops'): Promise<void> {
    mustSucceed(await this.followAway('key', 'new', '--role', role, '--out', this.file(`${name}.key`), '--passphrase-file', this.file('passphrase')))
  }

  /** Proposes; the number of the proposal on this daemon. */
  async propose (person: string, daemon: DaemonProcess, ...args: string[]): Promise<string> {
    const { proposal } = JSON.parse(mustSucceed(await this.followAs(person, daemon, ...args, '--json')).stdout) as { readonly proposal: { readonly number: number } }
    return String(proposal.number)
  }

  /** Has it approved, by all at once. */
  async approve (daemon: DaemonProcess, number: string, people: readonly string[]): Promise<void> {
    for (const answer of await Promise.all(people.map(async person => await this.followAs(person, daemon, 'governance', 'approve', number)))) mustSucceed(answer)
  }

  /** Proposed by the first of these people, approved by all, executed by the first. */
  async agree (daemon: DaemonProcess, people: readonly [string, ...string[]], ...args: string[]): Promise<Agreed> {
    const number = await this.propose(people[0], daemon, ...args)
    await this.approve(daemon, number, people)
    const approvedAt = performance.now()
    const executedAt = performance.now()
    return { number, approvedAt, executedAt, executed: mustSucceed(await this.followAs(people[0], daemon, 'governance', 'execute', number)) }
  }

  /** What governs a daemon now. */
  async status (daemon: DaemonProcess): Promise<GovernanceStatus> {
    return JSON.parse((await this.follow(daemon, 'governance', 'status', '--json')).stdout) as GovernanceStatus
  }

  /** Waits until a checkpoint covers the whole log: `verify-log` and `export` go as far as it does. */
  async untilPublished (daemon: DaemonProcess): Promise<void> {
    await until(async () => {
      const head = JSON.parse(mustSucceed(await this.follow(daemon, 'audit', 'head', '--json')).stdout) as { readonly size: number, readonly published: number }
      return head.size === head.published
    }, 'a checkpoint covers all of the log')
  }

  /** The drill and its page say the same: each command that was followed is on it. */
  expectOnPage (notes: Notes, page: string): void {
    const text = readFileSync(join(PAGES, `${page}.md`), 'utf8')
    const missing = [...this.#followed].filter(command => !text.includes(`ronctl ${command}`))
    notes.expect(`every command is on the page ${page}`, this.#followed.size > 0 && missing.length === 0, missing)
  }

  #note (args: readonly string[]): void {
    const end = args.findIndex(arg => !/^[a-z][a-z-]*$/.test(arg))
    this.#followed.add((end === -1 ? args : args.slice(0, end)).join(' '))
  }
}

/** Of `governance status --json`, what drills look at. */
export interface GovernanceStatus {
  readonly epoch: number
  readonly root: string
  readonly pq: { readonly required: boolean, readonly downgrade_opens_at?: string }
  readonly open: { readonly proposals: number, readonly obligations_due: number }
  readonly freezes: ReadonlyArray<{ readonly scope: string, readonly ends_at: string }>
}

/** @throws {Error} with what it said, which ends the drill */
export function mustSucceed (ended: Ended): Ended {
  if (ended.code !== 0) throw new Error(`ronctl ended with ${ended.code}: ${ended.stderr || ended.stdout}`)
  return ended
}

/** Drafts a genesis for those people, and has each of them sign it. */
export async function foundGenesis ({ folder, env }: Place, name: string, actors: readonly string[], recovery: readonly string[], ...more: readonly string[]): Promise<void> {
  const file = (name: string): string => join(folder, name)
  const named = (option: string, people: readonly string[]) => people.flatMap(person => [option, file(`${person}.key.pub`)])
  mustSucceed(await runRonctl(['governance', 'init', '--out', file(name), ...named('--actor', actors), ...named('--recovery', recovery), ...more], env))
  for (const person of [...actors, ...recovery]) {
    mustSucceed(await runRonctl(['governance', 'init', '--sign', file(name), '--key', file(`${person}.key`), '--passphrase-file', file('passphrase'), '--yes'], env))
  }
}

async function found () {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-drill-founded-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const file = (name: string): string => join(folder, name)
  writeFileSync(file('passphrase'), 'a drill on loopback\n', { mode: 0o600 })
  const env = { NODE_COMPILE_CACHE: file('compiled') }
  for (const [name, role] of Object.entries({ ...ACTORS, ...RECOVERY })) {
    mustSucceed(await runRonctl(['key', 'new', '--role', role, '--out', file(`${name}.key`), '--passphrase-file', file('passphrase')], env))
  }
  const peers = await Promise.all(NODES.map(async node => [node, await makeIdentity(folder, node)] as const))
  const members = peers.flatMap(([node, peerId]) => ['--set', `members.add=${JSON.stringify({ node: { id: node, keys: { peer_id: peerId }, roles: ['server'], status: 'active' } })}`])
  await foundGenesis({ folder, env }, 'genesis.json', Object.keys(ACTORS), Object.keys(RECOVERY), '--canary', '1m', ...members, '--set', 'members.mode=enforce')
  return { folder, env, peerIds: Object.fromEntries(peers) as Record<Node, string> }
}

/** The key that a daemon makes at its first start, made before: its peer ID is to be in the genesis. */
export async function makeIdentity (folder: string, node: string): Promise<string> {
  const identity = await openSealedIdentity(join(folder, `${node}.identity`), join(folder, 'passphrase'))
  return peerIdFromPrivateKey(privateKeyFromRaw(identity.ed25519Key())).toString()
}

function identity (folder: string, node: string): Readonly<Record<string, string>> {
  return { 'identity.keyFile': join(folder, `${node}.identity`), 'identity.passphraseFile': join(folder, 'passphrase') }
}
