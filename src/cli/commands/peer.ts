import type { Command } from 'commander'
import type { Run } from '../session.ts'
import { showLookup } from '../walk.ts'

export function addPeer (program: Command, run: Run): void {
  program.command('peer')
    .description('ask the network for the addresses of a peer')
    .argument('<id>', 'a peer ID')
    .addHelpText('after', '\n--json prints the events of GET /v1/lookups/peers/{id}, one a line.')
    .action(run(async (session, id: string) => await showLookup(session, { kind: 'peers', key: id, limit: 1, noun: 'peer' })))
}
