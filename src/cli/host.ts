import type { Clock } from '../core/component.ts'
import type { KeyWork } from '../governance/signer-key.ts'
import type { ServicePlaces } from './system-service.ts'

/** What a command line needs of the process it runs in. `src/ronctl.ts` gives the real one, tests their own. */
export interface Host {
  /** What follows the program's name. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's numeric ID, for the default socket path. */
  readonly uid: number
  /** The daemon that the system runs, where it runs one. */
  readonly service?: ServicePlaces | undefined
  /** Version of this ronctl. */
  readonly version: string
  readonly stdout: Screen
  readonly stderr: Screen
  /** Aborted when nobody reads our output any more. */
  readonly signal: AbortSignal
  readonly now: Clock
  readonly config: ConfigPort
  readonly terminal: Terminal
  /** How hard new keys are sealed; as hard as they should be, unless told. */
  readonly keyWork?: KeyWork
}

/** The person at the terminal. */
export interface Terminal {
  /** Whether there is one to ask. */
  readonly isThere: boolean
  /** What was typed, without its line end; undefined when it was broken off. A hidden answer is not echoed. */
  ask (question: string, options?: { readonly isHidden?: boolean }): Promise<string | undefined>
}

export interface Screen {
  readonly isTerminal: boolean
  /** Width in characters; only asked of a terminal. */
  readonly columns: number
  write (text: string): void
}

export interface ConfigPort {
  /** What the daemon would make of this file and its own defaults; flags and variables are not looked at. Never throws. */
  checkFile (path: string): ConfigCheck
}

export type ConfigCheck =
  | { readonly digest: string }
  | { readonly mistakes: readonly string[] }
