import type { LookupEvent, TraceBody } from '../http/admin/wire.ts'
import type { LookupKind } from './client.ts'
import { exitOfSearch, type Exit } from './exit-codes.ts'
import { Failure } from './failure.ts'
import { renderRow } from './layout.ts'
import type { Session } from './session.ts'
import { count } from './text.ts'

interface Lookup {
  readonly kind: LookupKind
  readonly key: string
  readonly limit: number
  /** What one result is: `provider`, `peer`. */
  readonly noun: string
}

type Done = Extract<LookupEvent, { event: 'done' }>

const TRUNCATED = {
  deadline: 'the time was up before everyone was asked',
  limit: 'there may be more: raise --limit',
  error: 'the walk broke off',
} satisfies Record<NonNullable<Done['truncated']>, string>

/** Runs a lookup and shows its results as they come; machines get the daemon's events as they are. */
export async function showLookup ({ client, out }: Session, { kind, key, limit, noun }: Lookup): Promise<Exit> {
  let found = 0
  for await (const event of client.lookup(kind, key, limit)) {
    if (event.event === 'record') found++
    if (event.event === 'progress') out.progress(`${count(found, noun)} so far; ${describeTrace(event.trace)}`)
    if (out.isJson) out.answer(event, String)
    else if (event.event === 'record') out.answer(event.record, ({ id, addrs }, view) => renderRow([id.padEnd(PEER_ID_WIDTH), addrs.join(' ')], view))
    if (event.event === 'done') {
      out.remark(`${found === 0 ? `No ${noun} found` : count(found, noun)}; ${describeEnd(event)}`)
      return exitOfSearch(found, { isWhole: event.truncated === undefined })
    }
  }
  throw new Failure('The daemon broke the answer off.', { exit: 'internal', code: 'Internal', hint: 'See its log.' })
}

/** An Ed25519 peer ID has 52 characters, and nearly all are. */
const PEER_ID_WIDTH = 52

function describeTrace ({ messages, answered, failed, hops }: TraceBody): string {
  return `${count(messages, 'message')}, ${answered} answered, ${failed} failed, ${count(hops, 'hop')}`
}

function describeEnd ({ trace, cached, truncated }: Done): string {
  const how = cached ? 'a recent answer was used' : describeTrace(trace)
  return truncated === undefined ? how : `${how}; ${TRUNCATED[truncated]}`
}
