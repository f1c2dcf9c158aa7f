import { rmSync } from 'node:fs'
import t from 'tap'
import { macronode } from './macronode.ts'

t.test('a macronode knows after a restart who may do what, and who may not any more', async t => {
  const { live, file } = macronode(t)
  await live(async run => {
    for (const name of ['owner', 'auditor', 'leaver']) {
      t.match(await run('cap', 'mint', '--memo', name, '--role', name === 'owner' ? 'owner' : 'auditor', '--out', file(name)), { exit: 0 })
    }
    const { stdout } = await run('--cap', file('leaver'), 'cap', 'list', '--json')
    const { caps } = JSON.parse(stdout) as { caps: ReadonlyArray<{ id: string, memo: string }> }
    t.match(await run('cap', 'revoke', caps.find(({ memo }) => memo === 'leaver')?.id ?? '', '--reason', 'left'), { exit: 0 })
  })
  await live(async run => {
    t.match(await run('--cap', file('auditor'), 'status'), { exit: 0 })
    t.match(await run('--cap', file('leaver'), 'status'), { exit: 77 })
    t.match(await run('--cap', file('owner'), 'cap', 'list'), { exit: 0, stdout: /auditor/ })
    t.match(await run('--cap', file('owner'), 'cap', 'rotate-root', 'prepare', '--reason', 'yearly'), { exit: 0 })
    t.match(await run('--cap', file('owner'), 'cap', 'mint', '--memo', 'next', '--role', 'owner', '--out', file('next')), { exit: 0 })
    t.match(await run('--cap', file('next'), 'cap', 'rotate-root', 'retire', '--reason', 'yearly'), { exit: 0 })
  })
  await live(async run => {
    t.match(await run('--cap', file('next'), 'status'), { exit: 0 })
    for (const name of ['owner', 'auditor']) t.match(await run('--cap', file(name), 'status'), { exit: 77 }, `${name} went with the old root`)
  })
})

t.test('with other keys the grants of the log are nobody’s, and the owner gets a new one', async t => {
  const { live, file } = macronode(t)
  await live(async run => { t.match(await run('cap', 'mint', '--memo', 'x', '--role', 'owner', '--out', file('x')), { exit: 0 }) })
  rmSync(file('data/keys'), { recursive: true })
  await live(async run => {
    t.match(await run('--cap', file('x'), 'status'), { exit: 77 })
    t.match(await run('status'), { exit: 0 }, 'the new owner')
  })
})

t.test('as many capabilities as the setting says are in force; a lower one ends none after a restart', async t => {
  const { live, file } = macronode(t)
  await live(async run => {
    t.match(await run('cap', 'mint', '--memo', 'second', '--role', 'owner', '--out', file('second')), { exit: 0 })
    t.match(await run('cap', 'mint', '--memo', 'third', '--role', 'auditor', '--out', file('third')), { exit: 75, stderr: /as many capabilities as this daemon holds.*\n.*Revoke those/ })
  }, { 'admin.grants': '2' })
  await live(async run => {
    t.match(await run('--cap', file('second'), 'status'), { exit: 0 })
    t.match(await run('--cap', file('second'), 'cap', 'mint', '--memo', 'third', '--role', 'auditor', '--out', file('third')), { exit: 75 })
    t.match(await run('--cap', file('second'), 'cap', 'revoke', '--before', '2100-01-01T00:00Z', '--reason', 'make room'), { exit: 0 })
  }, { 'admin.grants': '1' })
})
