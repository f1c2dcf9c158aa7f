import type { Entry } from '../../audit/format/entry.ts'
import type { Exit } from '../exit-codes.ts'
import { Failure } from '../failure.ts'
import { renderRow, type View } from '../layout.ts'
import type { Session } from '../session.ts'
import { count } from '../text.ts'

export interface LogOptions {
  readonly since?: number
  readonly action?: string
  readonly follow?: true
}

/** Entries of one request. */
const PAGE_ENTRIES = 1000

/** Prints the entries that are wanted, and with `follow` those to come. */
export async function showLog (session: Session, { since, action, follow }: LogOptions, isWanted: (entry: Entry) => boolean = () => true): Promise<Exit> {
  const { client, out, host } = session
  let shown = 0
  let next = 0
  const filter = {
    ...(since !== undefined && { since: new Date(host.now() - since).toISOString() }), ...(action !== undefined && { action }),
  }
  const showPages = async (): Promise<void> => {
    for (let from: number | undefined = next; from !== undefined;) {
      const page = await client.auditEntries({ from, limit: PAGE_ENTRIES, ...filter })
      const entries = page.entries.filter(isWanted)
      for (const entry of entries) out.answer(entry, renderEntry)
      shown += entries.length
      next = page.next ?? Math.max(page.size, from)
      from = page.next
    }
  }
  if (follow !== true) {
    await showPages()
    out.remark(count(shown, 'entry').replace(/entrys$/, 'entries'))
    return 'ok'
  }
  return await client.withEvents('audit', undefined, async events => {
    await showPages()
    // An event only says that there is more: what to show comes from the log, in order, whatever was missed between.
    for await (const event of events) if (event.topic === 'audit' && event.entry.seq >= next) await showPages()
    throw new Failure('The daemon ended the stream of events.', { exit: 'unreachable', code: 'Unreachable', retryable: true, hint: 'It stopped, this reader was too slow, or its capability has ended.' })
  })
}

export function renderEntry ({ seq, ts, action, actor, reason }: Entry, view: View): string {
  return renderRow([String(seq).padStart(6), ts, action.padEnd(18), actor, reason], view)
}
