import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createSignerKey, publicFileOf } from '../../../../src/governance/signer-key.ts'
import type { Role } from '../../../../src/governance/actor.ts'
import { tempDirectory } from '../../../http/admin/fake-daemon.ts'
import { ronctl, type Ended, type Surroundings } from '../../ronctl.ts'

const PASSPHRASE = 'correct horse'
const CHEAP = { memoryKib: 64, passes: 1, lanes: 1 }

const ACTORS = { sec1: 'security', sec2: 'security', sec3: 'security', ops: 'ops', owner: 'owner', auditor: 'auditor' } as const satisfies Record<string, Role>
const RECOVERY = { rec1: 'owner', rec2: 'owner', rec3: 'owner' } as const satisfies Record<string, Role>
export type Person = keyof typeof ACTORS | keyof typeof RECOVERY

/** Nine people with a key each, and the command line of any of them. */
export interface People {
  readonly folder: string
  readonly ids: Readonly<Record<Person, string>>
  /** The file of a name in their folder; of a person, their key. */
  file (name: string): string
  /** Runs a command as somebody whose key and passphrase file are named, who says yes to everything. */
  as (person: Person, ...args: readonly string[]): Promise<Ended>
  run (args: readonly string[], surroundings?: Surroundings): Promise<Ended>
}

export async function makePeople (t: Test): Promise<People> {
  const folder = tempDirectory(t)
  const fileOf = fileIn(folder)
  writeFileSync(fileOf('passphrase'), PASSPHRASE, { mode: 0o600 })
  const ids = await Promise.all(Object.entries({ ...ACTORS, ...RECOVERY }).map(async ([name, role]) => {
    const actor = await createSignerKey(fileOf(name), { role, passphrase: Buffer.from(PASSPHRASE), work: CHEAP })
    writeFileSync(`${fileOf(name)}.pub`, publicFileOf(actor))
    return [name, actor.id]
  }))
  return peopleIn(folder, Object.fromEntries(ids) as People['ids'])
}

/** The same people with all that they have, in a folder of their own: what one test does, no other sees. */
export function copyPeople (t: Test, { folder, ids }: People): People {
  const copy = tempDirectory(t)
  cpSync(folder, copy, { recursive: true })
  return peopleIn(copy, ids)
}

function peopleIn (folder: string, ids: People['ids']): People {
  const file = fileIn(folder)
  const run = async (args: readonly string[], surroundings: Surroundings = {}): Promise<Ended> => await ronctl(args, { now: Date.now, ...surroundings })
  const as: People['as'] = async (person, ...args) => await run([...args, '--key', file(person), '--passphrase-file', file('passphrase'), '--yes'])
  return { folder, ids, file, run, as }
}

function fileIn (folder: string): (name: string) => string {
  return name => join(folder, name in ACTORS || name in RECOVERY ? `${name}.key` : name)
}

/** The arguments of `governance init` that name everyone. */
export function foundingArguments ({ file }: People): readonly string[] {
  return [...Object.keys(ACTORS).flatMap(name => ['--actor', `${file(name)}.pub`]), ...Object.keys(RECOVERY).flatMap(name => ['--recovery', `${file(name)}.pub`])]
}

/** A genesis that all of them signed. */
export async function foundNetwork (people: People, ...more: readonly string[]): Promise<string> {
  const genesis = people.file('genesis.json')
  const steps = [await people.run(['governance', 'init', '--out', genesis, ...foundingArguments(people), ...more])]
  for (const person of Object.keys({ ...ACTORS, ...RECOVERY }) as Person[]) steps.push(await people.as(person, 'governance', 'init', '--sign', genesis))
  const failed = steps.find(({ exit }) => exit !== 0)
  if (failed !== undefined) throw new Error(failed.stderr)
  return genesis
}
