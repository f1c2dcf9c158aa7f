import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './daemon-process.ts'

const RULES = readFileSync(join(import.meta.dirname, '../prometheus/rules.yml'), 'utf8')

/** One rule as Prometheus tells of it. */
export interface Rule {
  readonly name: string
  readonly type: string
  readonly health: string
  readonly lastEvaluation: string
  readonly state?: string
  readonly annotations?: Readonly<Record<string, string>>
}

interface Answer { readonly status: string, readonly data: unknown }

/** Debian's Prometheus over one daemon, with our rules: each second, and without the minutes that alerts wait. */
export class Prometheus {
  readonly #url: string

  private constructor (url: string) { this.#url = url }

  static isInstalled (): boolean {
    return spawnSync('prometheus', ['--version']).status === 0
  }

  /** `stack` ends it and removes what it wrote. */
  static async start (stack: AsyncDisposableStack, opsUrl: string): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'svc-dht-drill-'))
    stack.defer(() => rmSync(folder, { recursive: true, force: true }))
    mkdirSync(join(folder, 'data'))
    writeFileSync(join(folder, 'rules.yml'), RULES.replaceAll(/for: \d+m/g, 'for: 1s').replaceAll('interval: 30s', 'interval: 1s'))
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: ['rules.yml'],
      scrape_configs: [{ job_name: 'svc-dht', static_configs: [{ targets: [new URL(opsUrl).host] }] }],
    }))
    const child = spawn('prometheus', [
      `--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`, '--web.listen-address=127.0.0.1:0', '--log.format=json',
    ], { stdio: ['ignore', 'ignore', 'pipe'] })
    const exited = once(child, 'exit')
    stack.defer(async () => {
      child.kill('SIGTERM')
      await exited
    })
    let log = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => { log += text })
    const address = (): string | undefined => /"address":"([^"]+)".*"msg":"Listening on"/.exec(log)?.[1]
    await until(() => address() !== undefined, 'Prometheus listens')
    const url = `http://${address()}`
    await until(async () => (await fetch(`${url}/-/ready`)).ok, 'Prometheus is ready') // until then it answers 503
    return new Prometheus(url)
  }

  /** `success`, or `error` for an expression that it does not understand. */
  async verdict (expression: string): Promise<string> {
    return (await this.#ask(`query?query=${encodeURIComponent(expression)}`)).status
  }

  /** The first value of an expression; undefined when it has none. */
  async query (expression: string): Promise<string | undefined> {
    const { data } = await this.#ask(`query?query=${encodeURIComponent(expression)}`)
    return (data as { readonly result: ReadonlyArray<{ readonly value: readonly [number, string] }> }).result[0]?.value[1]
  }

  async rules (): Promise<Rule[]> {
    const { data } = await this.#ask('rules')
    return (data as { readonly groups: ReadonlyArray<{ readonly rules: readonly Rule[] }> }).groups.flatMap(group => group.rules)
  }

  /** `inactive`, `pending` or `firing`. */
  async alert (name: string): Promise<Rule | undefined> {
    return (await this.rules()).find(rule => rule.name === name)
  }

  async #ask (path: string): Promise<Answer> {
    return await (await fetch(`${this.#url}/api/v1/${path}`)).json() as Answer
  }
}
