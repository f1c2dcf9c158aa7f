import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Envelope } from '../../src/governance/envelope.ts'
import type { ConfigBody } from '../../src/http/admin/wire.ts'
import { askAdmin } from '../admin.ts'
import { startTestDaemon, type TestDaemon } from '../daemon.ts'
import { charterOf, everyone, genesisOf, Network, stateOf } from './fixtures.ts'

export const SEED = { fingerprint: '12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf', endpoint: '/ip4/127.0.0.1/tcp/1' }

export interface Body { readonly id: string, readonly settings: Readonly<Record<string, string>>, readonly drift: ConfigBody['drift'], readonly proposal?: { readonly stage: string } }
export interface Answer { readonly status: number | undefined, readonly body: Body }

/** A real daemon that is governed, over its admin API, with everybody's keys at hand. */
export class Governed {
  readonly network = new Network()
  readonly daemon: TestDaemon
  constructor (daemon: TestDaemon) {
    this.daemon = daemon
    this.network.at = Date.now()
  }

  /** As the owner, unless a file with another capability is named. */
  async get (path: string, capFile?: string): Promise<Answer> {
    return await askAdmin(this.daemon.adminSocket, 'GET', path, undefined, capFile) as Answer
  }

  async post (path: string, body: unknown, capFile?: string): Promise<Answer> {
    return await askAdmin(this.daemon.adminSocket, 'POST', path, body, capFile) as Answer
  }

  async send (path: string, envelope: Envelope, capFile?: string): Promise<Answer> {
    return await this.post(`/v1/governance/${path}`, { envelope }, capFile)
  }

  /** Proposes, and has it approved by so many; its id. */
  async agree (t: Test, envelope: Envelope, approvals = 2): Promise<string> {
    const { body: { id } } = await this.send('proposals', envelope)
    for (const keys of this.network.cast.sec.slice(0, approvals)) t.equal((await this.send(`proposals/${id}/approvals`, this.network.about('approval', id, keys))).status, 200)
    return id
  }

  async execute (id: string): Promise<Answer> {
    return await this.send(`proposals/${id}/execute`, this.network.about('execution', id, this.network.cast.ops))
  }
}

/** One that knows the genesis of the fixtures. */
export async function startGoverned (t: Test, flags: Readonly<Record<string, string>> = {}): Promise<Governed> {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-gov-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const { cast } = new Network()
  const genesis = genesisOf(stateOf(charterOf(cast), { bootstrap: { seeds: [SEED] } }), everyone(cast))
  writeFileSync(join(folder, 'genesis.json'), JSON.stringify(genesis))
  return new Governed(await startTestDaemon(t, { flags: { ...flags, 'governance.genesis': join(folder, 'genesis.json') } }))
}
