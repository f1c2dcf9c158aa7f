import { pino, type Logger as PinoLogger } from 'pino'

/** JSON lines. Errors under `err`; never a token, key or passphrase. */
export type Logger = PinoLogger

/** Fields that may hold a credential are cut wherever a request is logged whole. */
const REDACTED = ['req.headers.authorization', 'req.headers.cookie', 'headers.authorization', 'headers.cookie']

export function createLogger (options: { readonly level: string, readonly name?: string }, destination?: { write (line: string): void }): Logger {
  const { level, name = 'svc-dht' } = options
  const settings = { level, redact: REDACTED, base: { service: name, pid: process.pid } }
  return destination === undefined ? pino(settings) : pino(settings, destination)
}
