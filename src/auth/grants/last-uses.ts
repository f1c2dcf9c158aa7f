import { readFileSync } from 'node:fs'
import type { Component } from '../../core/component.ts'
import { replaceFile } from '../../kms/private-file.ts'
import type { Grants } from './grants.ts'

interface Options {
  readonly path: string
  readonly intervalMs: number
}

interface Deps {
  readonly grants: Pick<Grants, 'list' | 'recall'>
  /** Told of a file that cannot be read or written: then uses are told from now on, and nothing else is lost. */
  readonly onFailure: (err: unknown) => void
}

const SCHEMA = 'svc-dht/last-uses/1'

/**
 * When each grant was used last, over a restart. Not in the log, which would get an entry for every request: a small file beside it,
 * written when something has changed, at most once in an interval, and at the stop. A crash loses an interval; nothing is
 * decided by it but whether a new root was seen to work.
 */
export class LastUses implements Component {
  readonly #options: Options
  readonly #deps: Deps
  #written = ''
  #timer: NodeJS.Timeout | undefined

  constructor (options: Options, deps: Deps) {
    this.#options = options
    this.#deps = deps
  }

  /** To be called once the grants are in force. */
  async start (): Promise<void> {
    try {
      const text = readFileSync(this.#options.path, 'utf8')
      for (const [id, at] of usesOf(text)) this.#deps.grants.recall(id, at)
      this.#written = text
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== 'ENOENT') this.#deps.onFailure(err)
    }
    this.#timer = setInterval(() => this.save(), this.#options.intervalMs).unref()
  }

  async stop (): Promise<void> {
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.save()
  }

  /** Writes what has changed. */
  save (): void {
    const uses = this.#deps.grants.list().flatMap(({ id, lastUsedAt }) => lastUsedAt === undefined ? [] : [[id, lastUsedAt]])
    const text = `${JSON.stringify({ schema: SCHEMA, uses })}\n`
    if (text === this.#written) return
    try {
      replaceFile(this.#options.path, text)
      this.#written = text
    } catch (err) {
      this.#deps.onFailure(err)
    }
  }
}

/** @throws {Error} for what is not such a file */
export function usesOf (text: string): ReadonlyArray<readonly [id: string, at: number]> {
  const value: unknown = JSON.parse(text)
  const { schema, uses } = typeof value === 'object' && value !== null ? value as Readonly<Record<string, unknown>> : {}
  if (schema !== SCHEMA || !Array.isArray(uses) || !uses.every(isUse)) throw new Error('it is not a file of last uses')
  return uses
}

function isUse (value: unknown): value is [string, number] {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && Number.isSafeInteger(value[1])
}
