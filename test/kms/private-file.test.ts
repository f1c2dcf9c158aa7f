import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { replaceFile, writeNewFile } from '../../src/kms/private-file.ts'

t.test('a new file is its owner’s alone and leaves no draft behind', async t => {
  const dir = t.testdir({})
  const path = join(dir, 'key')
  writeNewFile(path, 'text')
  t.equal(readFileSync(path, 'utf8'), 'text')
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.strictSame(readdirSync(dir), ['key'])
})

t.test('a file that is there is never written over', async t => {
  const dir = t.testdir({})
  const path = join(dir, 'key')
  writeFileSync(path, 'precious')
  t.throws(() => writeNewFile(path, 'text'), { code: 'EEXIST' })
  mkdirSync(join(dir, 'directory'))
  t.throws(() => writeNewFile(join(dir, 'directory'), 'text'), { code: 'EEXIST' })
  t.equal(readFileSync(path, 'utf8'), 'precious')
  t.strictSame(readdirSync(dir).sort(), ['directory', 'key'])
})

t.test('a file that is replaced is whole, its owner’s alone, and leaves no draft behind', async t => {
  const dir = t.testdir({ key: 'old' })
  const path = join(dir, 'key')
  replaceFile(path, 'new')
  t.equal(readFileSync(path, 'utf8'), 'new')
  t.equal(statSync(path).mode & 0o777, 0o600)
  mkdirSync(join(dir, 'directory'))
  t.throws(() => replaceFile(join(dir, 'directory'), 'text'), { code: 'EISDIR' })
  t.strictSame(readdirSync(dir).sort(), ['directory', 'key'])
})
