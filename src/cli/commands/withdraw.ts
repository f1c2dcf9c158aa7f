import type { Command } from 'commander'
import { parseKey } from '../../core/key.ts'
import type { WithdrawBody } from '../../http/admin/wire.ts'
import { renderRow, type View } from '../layout.ts'
import type { Run } from '../session.ts'
import { formatMoment } from '../text.ts'

const NOTES = `
Other peers keep what they were told until its TTL ends: Kademlia has no removal. Exits with 1 when one of the keys was
not announced. --json prints one line a key, in the order given: the answer of DELETE /v1/providers/{key}.`

export function addWithdraw (program: Command, run: Run): void {
  program.command('withdraw')
    .description('stop announcing keys')
    .argument('<key...>', 'a CID, a multihash or b3:<hex>')
    .addHelpText('after', NOTES)
    .action(run(async ({ client, out }, keys: readonly string[]) => {
      keys.forEach(parseKey) // all must make sense before the first is withdrawn
      let wereAll = true
      for (const key of keys) {
        const body = await client.withdraw(key)
        out.answer(body, render)
        wereAll &&= body.withdrawn
      }
      return wereAll ? 'ok' : 'negative'
    }))
}

function render ({ key, withdrawn, others_until: until }: WithdrawBody, view: View): string {
  const outcome = withdrawn ? 'withdrawn' : 'was not announced'
  return renderRow([key, until === undefined ? outcome : `${outcome}; others may name this daemon until ${until} (${formatMoment(until, view.now)})`], view)
}
