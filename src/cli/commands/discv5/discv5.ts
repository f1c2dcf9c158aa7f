import type { Command } from 'commander'
import type { Discv5Body, Discv5TableBody } from '../../../http/admin/wire-discv5.ts'
import { renderFields, renderTable, type View } from '../../layout.ts'
import type { Run } from '../../session.ts'
import { count, formatBytes, formatEndpoint, formatMoment } from '../../text.ts'
import { addCrawl } from './crawl.ts'
import { addProbes } from './probes.ts'
import { showNode, type NodeShown } from './record.ts'
import { addTopic } from './topic.ts'

const TABLE_NOTES = `
Distance: the log distance to this node, so the lowest are the nearest. Live: it answered, and may be told to others.
--json prints the answer of GET /v1/discv5/table.`

const NODE_NOTES = `
Exits with 1 for what is no valid record. --json prints {"valid": true, "node_id", "seq", "public_key", "size_bytes", "addresses",
"pairs"} or {"valid": false, "fault", "message"}.`

/** The discv5 node, and others as it sees them. */
export function addDiscv5 (program: Command, run: Run): void {
  const discv5 = program.command('discv5').description('look at the discv5 node, and ask other nodes through it')
  discv5.command('enr')
    .description('print the node’s own record')
    .addHelpText('after', '\n--json prints the answer of GET /v1/discv5.')
    .action(run(async ({ client, out }) => {
      out.answer(await client.discv5(), ({ enr }) => `${enr}\n`)
      return 'ok'
    }))
  discv5.command('status')
    .description('show where the node listens, and how much it knows')
    .addHelpText('after', '\n--json prints the answer of GET /v1/discv5.')
    .action(run(async ({ client, out }) => {
      out.answer(await client.discv5(), renderStatus)
      return 'ok'
    }))
  discv5.command('table')
    .description('show the routing table, nearest first')
    .addHelpText('after', TABLE_NOTES)
    .action(run(async ({ client, out }) => {
      const body = await client.discv5Table()
      out.answer(body, renderNodes)
      out.remark(`${count(body.nodes.length, 'node')}, ${body.nodes.filter(({ live }) => live).length} live`)
      return 'ok'
    }))
  discv5.command('node')
    .description('decode a record and check its signature; needs no daemon')
    .argument('<enr>', 'a record, enr:…')
    .addHelpText('after', NODE_NOTES)
    .action(run(async ({ out }, text: string) => {
      const node = showNode(text)
      out.answer(node, renderNode)
      return node.valid ? 'ok' : 'negative'
    }))
  addProbes(discv5, run)
  addTopic(discv5, run)
  addCrawl(discv5, run)
}

function renderStatus ({ node_id: id, seq, engine, features, listening, stats }: Discv5Body, view: View): string {
  return renderFields([
    ['node ID', id],
    ['record', `sequence number ${seq}`],
    ['engine', `${engine} (${features.join(', ')})`],
    ['listens on', listening.map(({ ip, port }) => formatEndpoint(ip, port))],
    ['table', `${count(stats.table_nodes, 'node')}, ${stats.live_nodes} live`],
    ['sessions', String(stats.sessions)],
    ['pending', count(stats.pending_requests, 'request')],
    ['receive buffer', formatBytes(stats.receive_buffer_bytes)],
  ], view)
}

function renderNodes ({ nodes }: Discv5TableBody, view: View): string {
  const columns = [{ title: 'DISTANCE', alignment: 'right' }, { title: 'NODE ID' }, { title: 'ADDRESS' }, { title: 'LIVE' }, { title: 'ANSWERED' }, { title: 'SEQ', alignment: 'right' }] as const
  return renderTable(columns, nodes.map(({ distance, node_id: id, ip, port, live, last_seen: seen, seq }) => [
    String(distance), id, formatEndpoint(ip, port), live ? 'yes' : 'no', seen === undefined ? 'never' : formatMoment(seen, view.now), seq,
  ]), view)
}

function renderNode (node: NodeShown, view: View): string {
  if (!node.valid) return renderFields([['valid', `no: ${node.message}`]], view)
  return renderFields([
    ['valid', 'yes: the signature is that of its key'],
    ['node ID', node.node_id],
    ['seq', node.seq],
    ['key', node.public_key],
    ['size', `${node.size_bytes} of 300 bytes`],
    ['addresses', node.addresses.map(({ transport, ip, port }) => `${transport} ${formatEndpoint(ip, port)}`)],
    ['pairs', Object.entries(node.pairs).map(([key, hex]) => `${key} 0x${hex}`)],
  ], view)
}
