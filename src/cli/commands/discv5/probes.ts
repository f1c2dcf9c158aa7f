import type { Command } from 'commander'
import type { Discv5PingBody, Discv5RecordBody } from '../../../http/admin/wire-discv5.ts'
import { exitOfSearch } from '../../exit-codes.ts'
import { usageFailure } from '../../failure.ts'
import { renderFields, renderTable, type View } from '../../layout.ts'
import { wholeNumber } from '../../options.ts'
import type { Run } from '../../session.ts'
import { count, formatEndpoint } from '../../text.ts'
import { nodeIdOf, showNode } from './record.ts'

const NODE = 'a record, enr:…, or the ID of a node that can be found'

interface TalkOptions { readonly text?: string }

/** What the daemon's node asks of others. */
export function addProbes (discv5: Command, run: Run): void {
  discv5.command('ping')
    .description('ask a node whether it lives, and where it sees us')
    .argument('<node>', NODE)
    .addHelpText('after', '\n--json prints the answer of POST /v1/discv5/ping.')
    .action(run(async ({ client, out }, node: string) => {
      out.answer(await client.discv5Ping({ node }), renderPong)
      return 'ok'
    }))
  discv5.command('lookup')
    .description('walk towards a node ID: the nodes closest to it, nearest first')
    .argument('<id>', 'a node ID of 64 hex digits, or a record')
    .option('--count <n>', 'nodes to find at most, 1 to 16', wholeNumber(1, 16), 16)
    .addHelpText('after', '\nExits with 1 when nobody was found. --json prints the answer of POST /v1/discv5/lookup.')
    .action(run(async ({ client, out }, target: string, options: { readonly count: number }) => {
      const body = await client.discv5Lookup({ target: nodeIdOf(target), count: options.count })
      out.answer(body, ({ nodes }, view) => renderRecords(nodes, view))
      out.remark(`${count(body.nodes.length, 'node')} after ${count(body.requests, 'request')}${body.complete ? '' : '; it was cut off, there may be closer ones'}`)
      return exitOfSearch(body.nodes.length, { isWhole: body.complete })
    }))
  discv5.command('nodes')
    .description('ask one node for the nodes it knows at these log distances')
    .argument('<node>', NODE)
    .argument('<distance...>', 'from 0, the node itself, to 256, the farthest half')
    .addHelpText('after', '\nExits with 1 when it told none. --json prints the answer of POST /v1/discv5/nodes.')
    .action(run(async ({ client, out }, node: string, distances: readonly string[]) => {
      const body = await client.discv5Nodes({ node, distances: distances.map(parseDistance) })
      out.answer(body, ({ nodes }, view) => renderRecords(nodes, view))
      out.remark(count(body.nodes.length, 'node'))
      return body.nodes.length > 0 ? 'ok' : 'negative'
    }))
  discv5.command('talk')
    .description('send a request of an application protocol, and print the response in hex')
    .argument('<node>', NODE)
    .argument('<protocol>', 'name of the protocol')
    .argument('[request]', 'the request in hex; empty unless told')
    .option('--text <text>', 'the request as text instead')
    .addHelpText('after', '\nA node that does not know the protocol responds with nothing. --json prints the answer of POST /v1/discv5/talk.')
    .action(run(async ({ client, out }, node: string, protocol: string, request: string | undefined, { text }: TalkOptions) => {
      if (request !== undefined && text !== undefined) throw usageFailure('Give the request in hex or with --text, and not both.')
      out.answer(await client.discv5Talk({ node, protocol, request: text === undefined ? request ?? '' : Buffer.from(text).toString('hex') }), ({ response }) => `${response}\n`)
      return 'ok'
    }))
}

function renderPong ({ seq, seen_as: { ip, port }, round_trip_ms: ms }: Discv5PingBody, view: View): string {
  return renderFields([['answered after', `${ms} ms`], ['its record has', `sequence number ${seq}`], ['it sees us at', formatEndpoint(ip, port)]], view)
}

/** The records as rows; the addresses are read from the records themselves. */
export function renderRecords (nodes: readonly Discv5RecordBody[], view: View): string {
  if (nodes.length === 0) return ''
  const columns = [{ title: 'NODE ID' }, { title: 'SEQ', alignment: 'right' }, { title: 'ADDRESSES' }] as const
  return renderTable(columns, nodes.map(({ node_id: id, seq, enr }) => [id, seq, addressText(enr)]), view)
}

export function addressText (enr: string): string {
  const node = showNode(enr)
  if (!node.valid || node.addresses.length === 0) return '–'
  return node.addresses.map(({ transport, ip, port }) => `${transport}/${formatEndpoint(ip, port)}`).join(' ')
}

function parseDistance (text: string): number {
  const distance = /^\d{1,3}$/.test(text) ? Number(text) : 257
  if (distance > 256) throw usageFailure(`${text} is not a log distance.`, 'Give whole numbers from 0 to 256.')
  return distance
}
