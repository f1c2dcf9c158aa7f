import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { LastUses, usesOf } from '../../../src/auth/grants/last-uses.ts'
import type { Grant } from '../../../src/auth/grants/grant.ts'
import { only } from '../../patterns.ts'
import { macronode } from './macronode.ts'

t.setTimeout(60_000)

const grantOf = (id: string, lastUsedAt: number | undefined): Grant => ({ id, lastUsedAt }) as Grant

function setUp (path: string) {
  const state = { grants: [] as Grant[] }
  const recalled: Array<readonly [string, number]> = []
  const failures: unknown[] = []
  const uses = new LastUses({ path, intervalMs: 60_000 }, { grants: { list: () => state.grants, recall: (id, at) => { recalled.push([id, at]) } }, onFailure: err => failures.push(err) })
  return { state, recalled, failures, uses }
}

t.test('uses are written when they change, for our user alone, and come back', async t => {
  const path = join(t.testdir({}), 'last-uses.json')
  const { state, uses } = setUp(path)
  await uses.start()
  state.grants = [grantOf('a', 5), grantOf('b', undefined)]
  uses.save()
  t.equal(statSync(path).mode & 0o777, 0o600)
  const { ino } = statSync(path)
  uses.save()
  t.equal(statSync(path).ino, ino, 'nothing has changed, so nothing is written')
  state.grants = [grantOf('a', 6)]
  await uses.stop()
  const next = setUp(path)
  await next.uses.start()
  t.strictSame([next.recalled, next.failures], [[['a', 6]], []])
  await next.uses.stop()
})

t.test('a file that is not one, or cannot be written, is told and stops nobody', async t => {
  const path = join(t.testdir({ 'last-uses.json': '{"schema":"svc-dht/last-uses/1","uses":[["a","b"]]}' }), 'last-uses.json')
  const odd = setUp(path)
  await odd.uses.start()
  t.match([odd.recalled, odd.failures], [only(), only({ message: /not a file of last uses/ })])
  await odd.uses.stop()
  const folder = join(t.testdir({}), 'folder')
  mkdirSync(folder)
  const stuck = setUp(folder)
  stuck.state.grants = [grantOf('a', 1)]
  stuck.uses.save()
  t.equal(stuck.failures.length, 1)
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), text => {
    try { return usesOf(text).every(([id, at]) => typeof id === 'string' && Number.isSafeInteger(at)) } catch (err) { return err instanceof Error }
  }))
})

t.test('a macronode knows after a restart when a capability was used last, and believes no time to come', async t => {
  const { live, file } = macronode(t)
  const usesIn = (stdout: string) => new Map((JSON.parse(stdout) as { caps: ReadonlyArray<{ memo: string, id: string, last_used_at?: string }> }).caps.map(({ memo, ...cap }) => [memo, cap]))
  let before: string | undefined
  await live(async run => {
    for (const name of ['used', 'unused', 'owner']) t.match(await run('cap', 'mint', '--memo', name, '--role', 'owner', '--out', file(name)), { exit: 0 })
    t.match(await run('--cap', file('used'), 'status'), { exit: 0 })
    before = usesIn((await run('cap', 'list', '--json')).stdout).get('used')?.last_used_at
    t.match(before, /^20/)
  })
  const path = file('data/last-uses.json')
  let unused = ''
  await live(async run => {
    const caps = usesIn((await run('--cap', file('owner'), 'cap', 'list', '--json')).stdout)
    t.equal(caps.get('used')?.last_used_at, before)
    t.equal(caps.get('unused')?.last_used_at, undefined)
    unused = caps.get('unused')?.id ?? ''
  })
  writeFileSync(path, JSON.stringify({ schema: 'svc-dht/last-uses/1', uses: [...usesOf(readFileSync(path, 'utf8')), [unused, Date.now() + 3_600_000]] }))
  await live(async run => {
    t.equal(usesIn((await run('--cap', file('owner'), 'cap', 'list', '--json')).stdout).get('unused')?.last_used_at, undefined)
  })
})
