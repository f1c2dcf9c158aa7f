import type { AdminClient } from './client.ts'
import type { Exit } from './exit-codes.ts'
import type { Host } from './host.ts'
import type { Output } from './output.ts'

/** What a command works with. */
export interface Session {
  readonly client: AdminClient
  readonly out: Output
  readonly host: Host
}

/** Turns the work of a command into an action for commander: opens the session, keeps how the command ended. */
export type Run = <Args extends readonly unknown[]>(work: (session: Session, ...args: Args) => Promise<Exit>) => (...args: Args) => Promise<void>
