import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Component } from '../core/component.ts'
import { listenFailure } from '../core/listen-failure.ts'
import type { Logger } from '../observability/logger.ts'
import type { Service } from './server.ts'

interface Options {
  readonly service: Service
  /** `host:port` or `[v6]:port`; port 0 picks a free one. */
  readonly listen: string
  readonly drainTimeoutMs: number
  /** Serves HTTPS. */
  readonly isSecure?: boolean
}

interface Deps {
  readonly app: FastifyInstance
  readonly log: Logger
}

/** Serves a fastify app over TCP from start to stop. */
export class HttpListener implements Component {
  readonly #options: Options
  readonly #deps: Deps
  #stopped: Promise<void> | undefined

  constructor (options: Options, deps: Deps) {
    this.#options = options
    this.#deps = deps
    // Node keeps a connection open after the answer that was in flight when the listener closed; nobody else would end it.
    deps.app.addHook('onResponse', async () => {
      if (this.#stopped !== undefined) setImmediate(() => deps.app.server.closeIdleConnections())
    })
  }

  /** The bound URL, without a slash at its end. Only between start and stop. */
  get address (): string {
    const bound = this.#deps.app.server.address()
    if (bound === null || typeof bound === 'string') throw new Error(`the ${this.#options.service} listener is not started`)
    return toUrl(bound, this.#options.isSecure === true)
  }

  async start (): Promise<void> {
    const { service, listen } = this.#options
    const { host, port } = parseListen(listen)
    try {
      await this.#deps.app.listen({ host, port })
    } catch (err) {
      await this.#deps.app.close()
      throw listenFailure(`${service}.listen`, [{ address: listen, why: String(err) }], err)
    }
    this.#deps.log.info({ event: 'listening', surface: service, address: this.address }, `${service} API at ${this.address}`)
  }

  /** Accepts nothing new, lets requests in flight finish for at most `drainTimeoutMs`, then cuts them off. */
  async stop (): Promise<void> {
    this.#stopped ??= this.#drain()
    await this.#stopped
  }

  async #drain (): Promise<void> {
    const { service, drainTimeoutMs } = this.#options
    const cutOff = setTimeout(() => {
      this.#deps.log.warn({ event: 'requests_cut_off', surface: service, drain_ms: drainTimeoutMs }, 'requests still in flight after the drain timeout are cut off')
      this.#deps.app.server.closeAllConnections()
    }, drainTimeoutMs)
    try {
      await this.#deps.app.close()
    } finally {
      clearTimeout(cutOff)
    }
  }
}

function parseListen (listen: string): { readonly host: string, readonly port: number } {
  const colon = listen.lastIndexOf(':')
  return { host: listen.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(listen.slice(colon + 1)) }
}

function toUrl ({ address, family, port }: AddressInfo, isSecure: boolean): string {
  return `http${isSecure ? 's' : ''}://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}
