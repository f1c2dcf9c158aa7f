import { pino } from 'pino'
import { COMMON_FIELDS, EVENTS, type EventLevel, type LineAt } from './events.ts'

/** What is said for an event: its line, and a sentence for people. */
type LogAt<L extends EventLevel> = (line: LineAt<L>, message: string) => void

/** What every line of a part says. */
export interface Bindings { readonly component?: string, readonly trace_id?: string }

/** JSON lines. From info on each is an event of the catalogue, with its fields alone; never a token, key or passphrase. */
export interface Logger {
  readonly fatal: LogAt<'fatal'>
  readonly error: LogAt<'error'>
  readonly warn: LogAt<'warn'>
  readonly info: LogAt<'info'>
  /** For who looks into one daemon: fields as they come, which must not hold what is never logged either. */
  debug (line: object, message: string): void
  trace (line: object, message: string): void
  isLevelEnabled (level: string): boolean
  child (bindings: Bindings): Logger
}

/** Lines at debug may hold a request whole; what may be a credential is cut. */
const REDACTED = ['req.headers.authorization', 'req.headers.cookie', 'headers.authorization', 'headers.cookie']

const EVERYWHERE = new Set<string>(Object.keys(COMMON_FIELDS))
const ALLOWED = new Map<unknown, ReadonlySet<string>>(Object.entries(EVENTS).map(([name, { fields }]) => [name, new Set<string>(fields)]))
const NOTHING = {}
const LIBRARY = { event: 'library' }

const INFO = 30

export function createLogger (options: { readonly level: string, readonly name?: string }, destination?: { write (line: string): void }): Logger {
  const { level, name = 'svc-dht' } = options
  const settings: pino.LoggerOptions = {
    level,
    redact: REDACTED,
    base: { service: name, pid: process.pid },
    timestamp: () => `,"ts":"${new Date().toISOString()}"`,
    formatters: { level: label => ({ level: label }), log: onlyItsFields },
    serializers: { err: toErrorFields },
    mixin: (line, number) => number >= INFO && !ALLOWED.has((line as { readonly event?: unknown }).event) ? LIBRARY : NOTHING,
    mixinMergeStrategy: (line, mixed) => mixed === NOTHING ? line : { ...line, ...mixed },
  }
  return (destination === undefined ? pino(settings) : pino(settings, destination)) as unknown as Logger
}

/** Types hold our own calls to the catalogue; this holds libraries, and values that got past the types. */
function onlyItsFields (line: Record<string, unknown>): Record<string, unknown> {
  const allowed = ALLOWED.get(line['event'])
  if (allowed === undefined) return line
  return Object.fromEntries(Object.entries(line).filter(([field]) => EVERYWHERE.has(field) || allowed.has(field)))
}

const MAX_CAUSES = 5

/** What is told of an error: errors of libraries carry what they failed on, as bytes of a request, and none of that is for the log. */
function toErrorFields (thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: String(thrown) }
  const messages: string[] = []
  for (let err: unknown = thrown; err instanceof Error && messages.length < MAX_CAUSES; err = err.cause) messages.push(err.message)
  const { code, reason } = thrown as { readonly code?: unknown, readonly reason?: unknown }
  return {
    type: thrown.name, message: messages.join(': '), ...(code !== undefined && { code: String(code) }), ...(typeof reason === 'string' && { reason }), stack: thrown.stack,
  }
}
