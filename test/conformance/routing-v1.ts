/**
 * Delegated Routing V1 as rules that any server can be held to.
 *
 *     node test/conformance/routing-v1.ts --url http://127.0.0.1:7462 [--cid CID] [--peer PEER_ID] [--publish]
 *
 * prints each rule with its section and how it went. A rule whose fixture was not given is `n/a`, never a pass. Rules marked
 * `ours` go beyond the specification; a server that breaks only those conforms. `--publish` lets it publish new IPNS names.
 */
import { parseArgs } from 'node:util'
import { FILTER_RULES } from './rules/filters.ts'
import { HONESTY_RULES } from './rules/honesty.ts'
import { HTTP_RULES } from './rules/http.ts'
import { IPNS_RULES } from './rules/ipns.ts'
import { LIST_RULES } from './rules/lists.ts'
import type { Fixtures, Rule } from './rules/rule.ts'

const RULES: readonly Rule[] = [...LIST_RULES, ...HTTP_RULES, ...FILTER_RULES, ...IPNS_RULES, ...HONESTY_RULES]

interface Harness {
  test (name: string, options: { readonly skip?: string }, run: (t: { pass (message: string): void }) => Promise<void>): PromiseLike<unknown>
}

/** Runs every rule as a test of its own; those without their fixture are shown as skipped. */
export async function routingV1Conformance (t: Harness, baseUrl: string, fixtures: Fixtures): Promise<void> {
  for (const rule of RULES) {
    const skip = missingFixture(rule, fixtures)
    await t.test(`§${rule.section} ${rule.title}`, skip === undefined ? {} : { skip: `not applicable without ${skip}` }, async t => {
      await rule.check({ url: baseUrl, fixtures })
      t.pass(rule.level)
    })
  }
}

function missingFixture ({ needs }: Rule, fixtures: Fixtures): string | undefined {
  return needs === undefined || fixtures[needs] !== undefined ? undefined : needs
}

/** The process fails when a rule of the specification is broken. */
async function main (): Promise<void> {
  const { values } = parseArgs({ options: { url: { type: 'string' }, cid: { type: 'string' }, peer: { type: 'string' }, publish: { type: 'boolean' } } })
  if (values.url === undefined) throw new Error('usage: --url http://127.0.0.1:7462 [--cid CID] [--peer PEER_ID] [--publish]')
  const fixtures: Fixtures = {
    ...(values.cid === undefined ? {} : { cid: values.cid }),
    ...(values.peer === undefined ? {} : { peerId: values.peer }),
    ...(values.publish === true ? { canPublish: true } : {}),
  }
  const url = values.url.replace(/\/$/, '')
  for (const rule of RULES) {
    const missing = missingFixture(rule, fixtures)
    const failure = missing === undefined ? await rule.check({ url, fixtures }).then(() => undefined, (err: unknown) => err) : undefined
    const result = missing !== undefined ? 'n/a ' : failure === undefined ? 'pass' : 'FAIL'
    const detail = missing !== undefined ? ` (needs ${missing})` : failure === undefined ? '' : `\n       ${String(failure).split('\n').slice(0, 3).join('\n       ')}`
    console.log(`${result}  §${rule.section.padEnd(7)} ${rule.level.padEnd(6)} ${rule.title}${detail}`)
    if (failure !== undefined && rule.level !== 'ours') process.exitCode = 1
  }
}

if (import.meta.main) await main()
