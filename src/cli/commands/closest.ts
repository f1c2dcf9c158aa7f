import type { Command } from 'commander'
import { parseKey } from '../../core/key.ts'
import { parseLimit } from '../options.ts'
import type { Run } from '../session.ts'
import { showLookup } from '../walk.ts'

export function addClosest (program: Command, run: Run): void {
  program.command('closest')
    .description('ask the network for the peers closest to a key, closest first')
    .argument('<key>', 'a CID, a multihash, b3:<hex> or a peer ID')
    .option('--limit <n>', 'peers to show at most, 1 to 1000', parseLimit, 100)
    .addHelpText('after', '\n--json prints the events of GET /v1/lookups/closest/{key}, one a line.')
    .action(run(async (session, key: string, { limit }: { readonly limit: number }) => {
      parseKey(key)
      return await showLookup(session, { kind: 'closest', key, limit, noun: 'peer' })
    }))
}
