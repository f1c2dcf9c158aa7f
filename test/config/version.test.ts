import t from 'tap'
import { readVersion } from '../../src/config/version.ts'

t.test('the version is that of the package, with the commit it runs from', async t => {
  const { version, gitSha } = readVersion()
  t.match(version, /^\d+\.\d+\.\d+/)
  t.match(gitSha, /^([0-9a-f]{40}|unknown)$/)
})
