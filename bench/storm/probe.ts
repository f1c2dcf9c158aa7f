import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** One look at a daemon under storm. */
export interface Look {
  readonly atMs: number
  readonly ms: number
  /** Undefined when nothing came within the time. */
  readonly status: number | undefined
}

const PATIENCE_MS = 5000

export interface Target { readonly headers?: Readonly<Record<string, string>>, readonly port?: string, readonly socketPath?: string, readonly path: () => string }

/** Asks the same again and again until it is told to stop. */
export async function look (target: Target, intervalMs: number, signal: AbortSignal): Promise<Look[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const looks: Look[] = []
  while (!signal.aborted) {
    const atMs = performance.now()
    const status = await ask(agent, target)
    looks.push({ atMs, ms: performance.now() - atMs, status })
    await sleep(Math.max(0, atMs + intervalMs - performance.now()), undefined, { signal }).catch(() => {})
  }
  agent.destroy()
  return looks
}

async function ask (agent: Agent, { path, ...where }: Target): Promise<number | undefined> {
  return await new Promise(resolve => {
    const sent = request({ agent, host: '127.0.0.1', ...where, path: path(), timeout: PATIENCE_MS }, response => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    })
    sent.on('timeout', () => sent.destroy())
    sent.on('error', () => resolve(undefined))
    sent.end()
  })
}
