import type { Entry } from '../../audit/format/entry.ts'
import type { AdminClient } from '../client.ts'
import { renderFields, type Field, type View } from '../layout.ts'
import { shortenKey } from './trust.ts'

/** A change of the keys that sign the log, as an entry says it. Whether it is true, `audit verify` finds out by a key that is trusted. */
export interface KeyChange {
  readonly seq: number
  readonly ts: string
  readonly actor: string
  readonly reason: string
  readonly from: readonly string[]
  readonly to: readonly string[]
  /** The entry in which the keys before vouch for the new ones; absent when they were gone. */
  readonly vouched_in?: number
}

const PAGE_ENTRIES = 1000

/** Every change of keys in the log, oldest first. Bounded by the log, of which each entry is looked at by the daemon. */
export async function readKeyChanges (client: Pick<AdminClient, 'auditEntries'>): Promise<KeyChange[]> {
  const changes: KeyChange[] = []
  for (let from: number | undefined = 0; from !== undefined;) {
    const page = await client.auditEntries({ from, limit: PAGE_ENTRIES, action: 'audit' })
    for (const entry of page.entries) add(changes, entry)
    from = page.next
  }
  return changes
}

export function renderKeyChanges (changes: readonly KeyChange[], view: View): string {
  if (changes.length === 0) return renderFields([['rotations', 'none: no entry that is kept names other keys']], view)
  return renderFields(changes.flatMap(({ seq, ts, actor, reason, from, to, vouched_in: vouchedIn }): Field[] => [
    ['rotated', `entry ${seq}, ${ts}, by ${actor}: ${reason}`],
    ['  from', from.map(shortenKey)],
    ['  to', to.map(shortenKey)],
    ['  vouched for', vouchedIn === undefined ? 'no: the keys before were gone' : `by the keys before, in entry ${vouchedIn}`],
  ]), view)
}

function add (changes: KeyChange[], { seq, ts, actor, reason, action, event }: Entry): void {
  const last = changes.at(-1)
  if (action === 'audit.rotate') {
    const { from, to } = (event ?? {}) as { readonly from?: unknown, readonly to?: unknown }
    changes.push({ seq, ts, actor, reason, from: textsOf(from), to: textsOf(to) })
  } else if (action === 'audit.handover' && last !== undefined && last.vouched_in === undefined) {
    changes[changes.length - 1] = { ...last, vouched_in: seq }
  }
}

function textsOf (value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}
