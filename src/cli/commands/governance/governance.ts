import type { Command } from 'commander'
import type { Run } from '../../session.ts'
import { addInit } from './init.ts'

/** What the network agrees on, and how it changes. */
export function addGovernance (program: Command, run: Run): void {
  const governance = program.command('governance').description('propose, sign and follow changes of the network')
  for (const add of [addInit]) add(governance, run)
}
