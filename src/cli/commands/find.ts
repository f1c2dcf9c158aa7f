import type { Command } from 'commander'
import { parseKey } from '../../core/key.ts'
import { parseLimit } from '../options.ts'
import type { Run } from '../session.ts'
import { showLookup } from '../walk.ts'

export function addFind (program: Command, run: Run): void {
  program.command('find')
    .description('ask the network who provides a key')
    .argument('<key>', 'a CID, a multihash or b3:<hex>')
    .option('--limit <n>', 'providers to find at most, 1 to 1000', parseLimit, 100)
    .addHelpText('after', '\nPrints each provider as it is found. --json prints the events of GET /v1/lookups/providers/{key}, one a line.')
    .action(run(async (session, key: string, { limit }: { readonly limit: number }) => {
      parseKey(key)
      return await showLookup(session, { kind: 'providers', key, limit, noun: 'provider' })
    }))
}
