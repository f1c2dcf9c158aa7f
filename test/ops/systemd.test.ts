import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'

const UNIT = join(import.meta.dirname, '../../ops/systemd/svc-dht.service')
const skip = spawnSync('systemd-analyze', ['--version']).status === 0 ? false : 'systemd-analyze is not installed'

t.test('systemd finds no mistake in the unit', { skip }, async t => {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', UNIT], { encoding: 'utf8' })
  t.equal(status, 0, stdout + stderr)
})

t.test('systemd rates the unit’s exposure as low', { skip }, async t => {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=20', '--no-pager', UNIT], { encoding: 'utf8' })
  t.equal(status, 0, stdout.split('\n').at(-2) + stderr)
})
