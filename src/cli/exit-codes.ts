import type { ErrorCode } from '../core/errors.ts'

/** Every way a command can end. The numbers are those of sysexits(3), so that service managers and scripts know them. */
export const EXIT = {
  ok: { code: 0, meaning: 'done' },
  negative: { code: 1, meaning: 'the answer is no: not found, not ready, nothing to withdraw' },
  usage: { code: 2, meaning: 'the command line or a value in it is wrong' },
  unreachable: { code: 69, meaning: 'the daemon is not running, or not where we looked' },
  internal: { code: 70, meaning: 'a fault in ronctl or in the daemon' },
  later: { code: 75, meaning: 'not now: overloaded, not ready or timed out; the same command may work later' },
  refused: { code: 77, meaning: 'not permitted' },
  config: { code: 78, meaning: 'the configuration file has mistakes' },
} as const

export type Exit = keyof typeof EXIT

/** How a command ends when the daemon, or our own parsing, refuses with this code. */
export const EXIT_OF_CODE = {
  BadRequest: 'usage',
  NoCapability: 'refused',
  NotFound: 'negative',
  Conflict: 'negative',
  TooLarge: 'usage',
  Backpressure: 'later',
  Unsupported: 'usage',
  StoreUnavailable: 'later',
  AttestationMissing: 'refused',
  PqRequired: 'refused',
  QuorumNotMet: 'refused',
  NotReady: 'later',
  Timeout: 'later',
  DegradedAudit: 'later',
  ExportForbidden: 'refused',
  Internal: 'internal',
} satisfies Record<ErrorCode, Exit> // a new code does not compile until it has an exit code

/** How a search ends: nothing found is a no only when everyone was asked. */
export function exitOfSearch (found: number, { isWhole }: { readonly isWhole: boolean }): Exit {
  if (found > 0) return 'ok'
  return isWhole ? 'negative' : 'later'
}

/** The table for `ronctl --help`. */
export function renderExitCodes (): string {
  return Object.values(EXIT).map(({ code, meaning }) => `  ${String(code).padEnd(4)}${meaning}`).join('\n')
}
