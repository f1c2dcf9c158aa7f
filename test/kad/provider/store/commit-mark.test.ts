import { readFileSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { CommitMark } from '../../../../src/kad/provider/store/journal/commit-mark.ts'
import { tempFile } from './persistent-stores.ts'

t.test('it reads what was written last, also by another process', async t => {
  const file = tempFile(t)
  const mark = new CommitMark(file)
  t.equal(mark.read(), undefined)
  t.notOk(mark.exists)
  for (const commits of [0, 1, 2, 7, 8, 2 ** 40]) {
    mark.write(commits)
    t.equal(new CommitMark(file).read(), commits)
  }
  mark.close()
  mark.close()
  mark.write(2 ** 40 + 1)
  t.equal(mark.read(), 2 ** 40 + 1)
  mark.close()
})

t.test('whatever one torn write leaves, it says the last count or the one before, or that it cannot say', async t => {
  const file = tempFile(t)
  const mark = new CommitMark(file)
  for (const commits of [40, 41]) mark.write(commits)
  mark.close()
  const whole = readFileSync(mark.file)
  fc.assert(fc.property(fc.nat({ max: whole.byteLength - 1 }), fc.uint8Array({ minLength: 1, maxLength: 12 }), (at, bytes) => {
    const torn = Buffer.from(whole)
    torn.set(bytes.subarray(0, torn.byteLength - at), at)
    writeFileSync(mark.file, torn)
    const read = mark.read()
    return read === 40 || read === 41
  }))
  for (const garbage of [Buffer.alloc(0), Buffer.alloc(524), Buffer.from('x'), Buffer.alloc(5000, 0xff)]) {
    writeFileSync(mark.file, garbage)
    t.ok(Number.isNaN(mark.read()))
  }
})
