import { writeFileSync } from 'node:fs'
import { draft, type Envelope } from '../../governance/envelope.ts'
import { list, object, oneOf, type Of } from '../../governance/form.ts'
import { statementOf } from '../../governance/statement.ts'
import { stateForm } from '../../governance/state.ts'
import { usageFailure } from '../failure.ts'
import { printable } from '../text.ts'
import { readJsonFile, replaceText, toFileText } from './files.ts'

/** A proposal, and what each of many signers says of it. */
const MAX_STATEMENTS = 256

const form = object({
  schema: oneOf('svc-dht/governance/carried/1'),
  /** What was agreed when it was written: its digests prove what a change is made on. */
  state: stateForm,
  /** Some signed, some not yet; in the order in which they are to be handed in. */
  statements: list(draft, MAX_STATEMENTS),
})

/** Statements on their way between machines. */
export type Carried = Of<typeof form>

/** @throws {Failure} usage, {DhtError} gov_schema */
export function readCarried (path: string): Carried {
  const carried = form(readJsonFile(path), 'file')
  for (const envelope of carried.statements) statementOf(envelope)
  return carried
}

/** @throws {Failure} usage when the file is there already, or cannot be written */
export function writeCarried (path: string, { state, statements }: Pick<Carried, 'state' | 'statements'>): void {
  try {
    writeFileSync(path, toFileText({ schema: 'svc-dht/governance/carried/1', state, statements }), { flag: 'wx' })
  } catch (err) {
    throw usageFailure(`The file cannot be written: ${printable(path)} (${(err as NodeJS.ErrnoException).code}).`, 'Name a new file in a folder that is there.')
  }
}

export function replaceCarried (path: string, carried: Carried): void {
  replaceText(path, toFileText(carried))
}

export function isSigned ({ signatures }: Envelope): boolean {
  return signatures.length > 0
}
