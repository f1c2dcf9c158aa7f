import t from 'tap'
import { findFaults } from '../../ops/supply-chain/rules.ts'

const GOOD = { version: '1.0.0', license: 'MIT', integrity: 'sha512-x' }
const faults = (locked: object, manifest = {}) => findFaults(manifest, { '': {}, 'node_modules/a': { ...GOOD, ...locked } })

t.test('a pinned, licensed, checksummed package is fine', async t => {
  t.strictSame(faults({}, { dependencies: { a: '1.0.0' } }), [])
  t.strictSame(faults({ license: '(GPL-3.0 OR Apache-2.0)' }), [], 'one of the alternatives will do')
})

t.test('each rule names the package that breaks it', async t => {
  t.strictSame(faults({}, { dependencies: { a: '^1.0.0' } }), ['a: the version ^1.0.0 is not pinned'])
  t.strictSame(faults({ license: 'GPL-3.0' }), ['a: the licence GPL-3.0 is not on the list'])
  t.strictSame(faults({ license: undefined }), ['a: the licence (none) is not on the list'])
  t.strictSame(faults({ hasInstallScript: true }), ['a: has an install script, and nobody has said in allowScripts whether it may run'])
  t.strictSame(faults({ integrity: undefined }), ['a: has no checksum in the lock file'])
})

t.test('what is only for development may have any licence, and a script that was looked at may be there', async t => {
  t.strictSame(faults({ license: 'GPL-3.0', dev: true }), [])
  t.strictSame(faults({ hasInstallScript: true }, { allowScripts: { a: false } }), [])
  t.strictSame(faults({ integrity: undefined, optional: true }), [])
})
