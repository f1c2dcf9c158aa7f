import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createSignerKey, publicFileOf } from '../../../../src/governance/signer-key.ts'
import type { Role } from '../../../../src/governance/actor.ts'
import { tempDirectory } from '../../../http/admin/fake-daemon.ts'
import { ronctl, type Ended, type Surroundings } from '../../ronctl.ts'

const PASSPHRASE = 'correct horse'
const CHEAP = { memoryKib: 64, passes: 1, lanes: 1 }

export const ACTORS = { sec1: 'security', sec2: 'security', sec3: 'security', ops: 'ops', owner: 'owner', auditor: 'auditor' } as const satisfies Record<string, Role>
export const RECOVERY = { rec1: 'owner', rec2: 'owner', rec3: 'owner' } as const satisfies Record<string, Role>
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
  const file = (name: string): string => join(folder, name in ACTORS || name in RECOVERY ? `${name}.key` : name)
  writeFileSync(file('passphrase'), PASSPHRASE, { mode: 0o600 })
  const ids = await Promise.all(Object.entries({ ...ACTORS, ...RECOVERY }).map(async ([name, role]) => {
    const actor = await createSignerKey(file(name), { role, passphrase: Buffer.from(PASSPHRASE), work: CHEAP })
    writeFileSync(`${file(name)}.pub`, publicFileOf(actor))
    return [name, actor.id]
  }))
  const run = async (args: readonly string[], surroundings: Surroundings = {}): Promise<Ended> => await ronctl(args, { now: Date.now, ...surroundings })
  return {
    folder,
    ids: Object.fromEntries(ids) as People['ids'],
    file,
    run,
    as: async (person, ...args) => await run([...args, '--key', file(person), '--passphrase-file', file('passphrase'), '--yes']),
  }
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
