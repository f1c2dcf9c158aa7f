import { readFileSync } from 'node:fs'
import t from 'tap'
import { eachSetting } from '../../src/config/load.ts'
import { renderReference } from '../../src/config/reference.ts'

t.test('the reference page is that of the settings table', async t => {
  t.equal(readFileSync(new URL('../../config/reference.md', import.meta.url), 'utf8'), renderReference())
})

t.test('the reference page has a row for each setting', async t => {
  const page = renderReference()
  for (const [section, key] of eachSetting()) t.match(page, `| \`${section}.${key}\` | \`SVC_DHT_`)
})
