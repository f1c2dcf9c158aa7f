import type { Command } from 'commander'
import type { PeersBody } from '../../http/admin/wire.ts'
import { renderTable, type View } from '../layout.ts'
import type { Run } from '../session.ts'
import { count, formatMoment } from '../text.ts'

const NOTES = `
Bucket: how many leading bits a peer's Kademlia ID shares with ours, so the highest are the nearest.
--json prints the answer of GET /v1/peers.`

export function addTable (program: Command, run: Run): void {
  program.command('table')
    .description('show the routing table by bucket, farthest first')
    .addHelpText('after', NOTES)
    .action(run(async ({ client, out }) => {
      const body = await client.peers()
      out.answer(body, render)
      const buckets = new Set(body.peers.map(({ bucket }) => bucket)).size
      const connected = body.peers.filter(peer => peer.connected).length
      out.remark(`${count(body.peers.length, 'peer')} in ${count(buckets, 'bucket')}, ${connected} connected`)
      return 'ok'
    }))
}

function render ({ peers }: PeersBody, view: View): string {
  const columns = [
    { title: 'BUCKET', alignment: 'right' }, { title: 'PEER' }, { title: 'ADDED' }, { title: 'CONNECTED' }, { title: 'IP GROUPS' }, { title: 'ADDRESSES' },
  ] as const
  return renderTable(columns, peers.toSorted((a, b) => a.bucket - b.bucket).map(peer => [
    String(peer.bucket),
    peer.id,
    formatMoment(peer.added_at, view.now),
    peer.connected ? 'yes' : 'no',
    peer.ip_groups.join(' ') || '–',
    peer.addrs.join(' '),
  ]), view)
}
