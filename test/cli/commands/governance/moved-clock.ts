import { readFileSync } from 'node:fs'
import root, { type Test } from 'tap'
import { found } from '../../../../src/governance/genesis.ts'
import { statementId, type Ledger } from '../../../../src/governance/ledger.ts'
import { step, type Input } from '../../../../src/governance/step.ts'
import { upcoming } from '../../../../src/governance/timers.ts'
import type { GovernancePort } from '../../../../src/http/admin/governance.ts'
import { startDaemon } from '../../../http/admin/fake-daemon.ts'
import type { Ended, Surroundings } from '../../ronctl.ts'
import { copyPeople, foundNetwork, makePeople, type People, type Person } from './people.ts'

/** Made once for a file of tests, and copied for each: nine people sign it. */
let founded: Promise<People> | undefined

async function foundOnce (): Promise<People> {
  const people = await makePeople(root)
  await foundNetwork(people, '--set', 'pq.require_on=true')
  return people
}

/** The rules of governance behind the admin API, with the clock in our hands and no daemon around them. */
export class MovedClock implements GovernancePort {
  readonly people: People
  socket = ''
  readonly fault = undefined
  readonly inForce = undefined
  inputs = 0
  ledger: Ledger
  at = Date.now()

  private constructor (people: People, ledger: Ledger) {
    this.people = people
    this.ledger = ledger
  }

  static async start (t: Test, change: (ledger: Ledger) => Ledger = ledger => ledger): Promise<MovedClock> {
    founded ??= foundOnce()
    const people = copyPeople(t, await founded)
    const ledger = change(found(JSON.parse(readFileSync(people.file('genesis.json'), 'utf8'))))
    const net = new MovedClock(people, ledger)
    net.socket = await startDaemon(t, { governance: net })
    return net
  }

  async submit (envelope: unknown): Promise<{ readonly id: string, readonly ledger: Ledger }> {
    this.take({ kind: 'statement', envelope } as Input)
    return { id: statementId(envelope as Parameters<typeof statementId>[0]), ledger: this.ledger }
  }

  check (envelope: unknown): Ledger {
    return step(this.ledger, { kind: 'statement', envelope } as Input, this.at)
  }

  take (input: Input): void {
    this.ledger = step(this.ledger, input, this.at)
  }

  /** Time goes on, and what is due happens. */
  pass (ms: number): void {
    this.at += ms
    for (const { timer } of upcoming(this.ledger).filter(({ dueAt }) => this.at >= dueAt)) this.take({ kind: 'timer', timer })
  }

  async ask (args: readonly string[], surroundings: Surroundings = {}): Promise<Ended> {
    return await this.people.run(['--socket', this.socket, ...args], { now: () => this.at, ...surroundings })
  }

  async as (person: Person, ...args: readonly string[]): Promise<Ended> {
    const { file } = this.people
    return await this.ask(['governance', ...args, '--key', file(person), '--passphrase-file', file('passphrase'), '--yes'])
  }

  /** Approves, and fails the test's set-up when that is refused. */
  async approve (number: number, ...people: readonly Person[]): Promise<void> {
    for (const person of people) {
      const { exit, stderr } = await this.as(person, 'approve', String(number))
      if (exit !== 0) throw new Error(stderr)
    }
  }
}
