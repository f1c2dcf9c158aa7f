import type { ControlAction, Recorded } from '../core/control-action.ts'
import { encodeEntry } from './format/entry.ts'
import { leafHash } from './format/tree.ts'
import type { Tail } from './tail.ts'

/** An action whose entry is not durable yet. */
export interface Waiting {
  readonly action: ControlAction
  readonly startedAt: number
  readonly done: PromiseWithResolvers<Recorded>
}

/** The entries that come next, and whose they are. Whoever gave an action that no entry can hold is told so here. */
export function encodeGroup (group: readonly Waiting[], tail: Tail, tsMs: number): { readonly added: readonly Uint8Array[], readonly kept: readonly Waiting[] } {
  const added: Uint8Array[] = []
  const kept: Waiting[] = []
  let prev = tail.prev
  for (const waiting of group) {
    try {
      const bytes = encodeEntry(waiting.action, { seq: tail.size + added.length, tsMs, prev })
      prev = Buffer.from(leafHash(bytes)).toString('hex')
      added.push(bytes)
      kept.push(waiting)
    } catch (err) {
      waiting.done.reject(err) // a byte over the limit, now that its number is known
    }
  }
  return { added, kept }
}
