import { open } from 'node:fs/promises'
import { Reader, type Response } from 'maxmind'
import type { Component } from '../core/component.ts'
import { parseIp } from './ip-group.ts'
import type { OriginSource } from './policy-holder.ts'

interface Options<T> {
  /** A MaxMind DB file of the operator's own. */
  readonly path: string
  /** Which `database_type` it must have. */
  readonly type: RegExp
  /** What of a record is asked for; `undefined` when the record does not say. */
  readonly pick: (record: unknown) => T | undefined
  /** How often the file is looked at. Milliseconds. */
  readonly intervalMs: number
}

/** Far above any database there is. */
const MAX_FILE_BYTES = 512 * 1024 * 1024

/** Reads AS numbers of GeoLite2-ASN, DB-IP and others of that shape. */
export const ASN_DATABASE = {
  type: /asn|isp/i,
  pick: (record: unknown) => numberAt(record, 'autonomous_system_number'),
} as const

/** Reads country codes of GeoLite2-Country, -City and others of that shape. */
export const COUNTRY_DATABASE = {
  type: /country|city|enterprise/i,
  pick: (record: unknown) => {
    const code = fieldOf(fieldOf(record, 'country'), 'iso_code')
    return typeof code === 'string' ? code : undefined
  },
} as const

/**
 * An IP database in memory, read again when its file is replaced. A missing, broken or foreign file is a fault until a good one
 * is there: the one before is not used on, because nobody would notice.
 */
export class IpDatabase<T> implements Component, OriginSource<T> {
  readonly #opts: Options<T>
  #reader: Reader<Response> | undefined
  #fault: string | undefined = 'is not read yet'
  #stamp: string | undefined
  #timer: NodeJS.Timeout | undefined
  #reading: Promise<void> = Promise.resolve()

  constructor (opts: Options<T>) {
    this.#opts = opts
  }

  async start (): Promise<void> {
    await this.refresh()
    this.#timer = setInterval(() => { void this.refresh() }, this.#opts.intervalMs).unref()
  }

  async stop (): Promise<void> {
    clearInterval(this.#timer)
    await this.#reading
  }

  fault (): string | undefined {
    return this.#fault === undefined ? undefined : `the IP database ${this.#opts.path} ${this.#fault}`
  }

  find (ip: string): T | undefined {
    const parsed = parseIp(ip)
    if (this.#reader === undefined || parsed === undefined) return undefined
    try {
      return this.#opts.pick(this.#reader.get(parsed.parts.join(parsed.version === 4 ? '.' : ':')))
    } catch (err) {
      this.#reader = undefined
      this.#fault = `is broken: ${(err as Error).message}`
      return undefined
    }
  }

  /** Looks at the file, and reads it when it is another than before. Never throws: what fails is a fault. */
  async refresh (): Promise<void> {
    this.#reading = this.#reading.then(async () => await this.#read())
    await this.#reading
  }

  async #read (): Promise<void> {
    try {
      await using file = await open(this.#opts.path)
      const { ino, size, mtimeMs, ctimeMs } = await file.stat()
      const stamp = [ino, size, mtimeMs, ctimeMs].join(':')
      if (stamp === this.#stamp) return
      this.#stamp = stamp
      if (size > MAX_FILE_BYTES) throw new Error(`is larger than ${MAX_FILE_BYTES} bytes`)
      const reader = new Reader<Response>(await file.readFile())
      const { databaseType } = reader.metadata
      if (!this.#opts.type.test(databaseType)) throw new Error(`holds something else: ${JSON.stringify(String(databaseType).slice(0, 64))}`)
      for (const probe of ['1.1.1.1', '203.0.113.1', '2606:4700::1']) this.#opts.pick(reader.get(probe)) // a torn file fails here, not later
      this.#reader = reader
      this.#fault = undefined
    } catch (err) {
      this.#reader = undefined
      const code = err instanceof Error && 'code' in err ? ` (${String(err.code)})` : ''
      if (code !== '') this.#stamp = undefined
      this.#fault = code === '' ? `cannot be used: ${(err as Error).message}` : `cannot be read${code}`
    }
  }
}

function fieldOf (value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
}

function numberAt (record: unknown, name: string): number | undefined {
  const value = fieldOf(record, name)
  return typeof value === 'number' ? value : undefined
}
