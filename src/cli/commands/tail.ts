import { Option, type Command } from 'commander'
import type { BusEvent, EventTopic } from '../../http/admin/wire.ts'
import { renderEntry } from '../audit/show-log.ts'
import { Failure } from '../failure.ts'
import { renderRow, type View } from '../layout.ts'
import { parseAge } from '../options.ts'
import type { Run } from '../session.ts'

const TOPICS: readonly EventTopic[] = ['audit', 'readiness']

const NOTES = `
Prints events until stopped. --since reaches back to the daemon's start at most, and to its last 1,000 events; the whole log is
\`ronctl audit log\`. --json prints one event of GET /v1/events a line.`

export function addTail (program: Command, run: Run): void {
  program.command('tail')
    .description('print what happens in the daemon, as it happens')
    .addOption(new Option('--topic <topic>', 'what to print').choices(TOPICS).makeOptionMandatory())
    .option('--since <duration>', 'begin with the events of the last 90s, 10m, 24h …', parseAge)
    .addHelpText('after', NOTES)
    .action(run(async ({ client, out, host }, { topic, since }: { readonly topic: EventTopic, readonly since?: number }) => {
      const from = since === undefined ? undefined : new Date(host.now() - since).toISOString()
      return await client.withEvents(topic, from, async events => {
        for await (const event of events) out.answer(event, render)
        throw new Failure('The daemon ended the stream of events.', { exit: 'unreachable', code: 'Unreachable', retryable: true, hint: 'It stopped, this reader was too slow, or its capability has ended.' })
      })
    }))
}

function render (event: BusEvent, view: View): string {
  if (event.topic === 'audit') return renderEntry(event.entry, view)
  const { ready, reasons } = event.readiness
  return renderRow([event.at, ready ? 'ready' : `not ready: ${reasons.map(({ condition, reason }) => `${condition}: ${reason}`).join('; ')}`], view)
}
