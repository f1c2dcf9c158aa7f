import type { Command } from 'commander'
import type { Run } from '../../session.ts'
import { addCharter } from './charter.ts'
import { addDecisions } from './decide.ts'
import { addDispute } from './dispute.ts'
import { addFreeze } from './freeze.ts'
import { addInit } from './init.ts'
import { addList } from './list.ts'
import { addLog } from './log.ts'
import { addObligations } from './obligations.ts'
import { addOverride } from './override.ts'
import { addPropose } from './propose.ts'
import { addShow } from './show.ts'
import { addSign } from './sign.ts'
import { addGovernanceStatus } from './status.ts'
import { addSubmit } from './submit.ts'

/** What the network agrees on, and how it changes. */
export function addGovernance (program: Command, run: Run): void {
  const governance = program.command('governance').description('propose, sign and follow changes of the network')
  for (const add of [addInit, addGovernanceStatus, addPropose, addList, addShow, addDecisions, addSign, addSubmit, addLog, addFreeze, addOverride, addDispute, addObligations, addCharter]) add(governance, run)
}
