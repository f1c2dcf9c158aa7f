import type { Command } from 'commander'
import type { Discv5TopicBody } from '../../../http/admin/wire-discv5.ts'
import { exitOfSearch } from '../../exit-codes.ts'
import { renderTable, type View } from '../../layout.ts'
import { durationText, wholeNumber } from '../../options.ts'
import type { Run } from '../../session.ts'
import { count, formatMoment } from '../../text.ts'
import { renderRecords } from './probes.ts'

const TOPIC = 'a topic: 64 hex digits that those who use it have agreed on'
const REASON = 'why; it goes into the audit log'
const ENDS = `
A restart of the daemon ends all advertisements. Registrars forget one that was withdrawn within 15 minutes: nothing takes it back sooner.`

interface AdvertiseOptions { readonly for: string, readonly reason?: string }

/** Topic discovery: who advertises a topic, and advertising one. */
export function addTopic (discv5: Command, run: Run): void {
  const topic = discv5.command('topic').description('find who advertises a topic, and advertise one; needs discv5.topics')
  topic.command('find')
    .description('ask registrars who advertises a topic')
    .argument('<id>', TOPIC)
    .option('--count <n>', 'advertisers to find at most, 1 to 100', wholeNumber(1, 100), 30)
    .addHelpText('after', '\nExits with 1 when nobody was found. --json prints the answer of POST /v1/discv5/topics/find.')
    .action(run(async ({ client, out }, id: string, options: { readonly count: number }) => {
      const body = await client.discv5FindTopic({ topic: id, count: options.count })
      out.answer(body, ({ advertisers }, view) => renderRecords(advertisers, view))
      out.remark(`${count(body.advertisers.length, 'advertiser')} after ${count(body.requests, 'request')}${body.complete ? '' : '; it was cut off, there may be more'}`)
      return exitOfSearch(body.advertisers.length, { isWhole: body.complete })
    }))
  topic.command('advertise')
    .description('advertise a topic for a time, or move the end')
    .argument('<id>', TOPIC)
    .option('--for <duration>', 'how long: 10m, 24h, 7d', durationText, '24h')
    .option('--reason <text>', REASON)
    .addHelpText('after', `${ENDS}\n--json prints the answer of POST /v1/discv5/topics.`)
    .action(run(async ({ client, out }, id: string, { for: duration, reason }: AdvertiseOptions) => {
      out.answer(await client.discv5Advertise({ topic: id, duration, ...(reason !== undefined && { reason }) }), ({ advertised }, view) => render(advertised, view))
      return 'ok'
    }))
  topic.command('list')
    .description('show what is advertised, and at how many registrars')
    .addHelpText('after', '\n--json prints the answer of GET /v1/discv5/topics.')
    .action(run(async ({ client, out }) => {
      const body = await client.discv5Topics()
      out.answer(body, ({ advertised }, view) => render(advertised, view))
      out.remark(body.advertised.length === 0 ? 'Nothing is advertised' : count(body.advertised.length, 'topic'))
      return 'ok'
    }))
  topic.command('withdraw')
    .description('advertise a topic no longer')
    .argument('<id>', TOPIC)
    .option('--reason <text>', REASON)
    .addHelpText('after', `${ENDS}\nExits with 1 when it was not advertised. --json prints the answer of DELETE /v1/discv5/topics/{topic}.`)
    .action(run(async ({ client, out }, id: string, { reason }: { readonly reason?: string }) => {
      out.answer(await client.discv5Withdraw(id, reason), ({ advertised }, view) => render(advertised, view))
      return 'ok'
    }))
}

function render (topics: readonly Discv5TopicBody[], view: View): string {
  if (topics.length === 0) return ''
  const columns = [{ title: 'TOPIC' }, { title: 'ENDS' }, { title: 'HELD', alignment: 'right' }, { title: 'WAITING', alignment: 'right' }] as const
  return renderTable(columns, topics.map(({ topic, until, held, waiting }) => [topic, formatMoment(until, view.now), String(held), String(waiting)]), view)
}
