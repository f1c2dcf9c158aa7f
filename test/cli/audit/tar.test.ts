import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { formatTarEnd, formatTarFile, indexTar } from '../../../src/cli/audit/tar.ts'
import { openLogFiles } from '../../../src/cli/audit/files.ts'
import { Failure } from '../../../src/cli/failure.ts'
import { tempFolder } from '../../audit/logs.ts'

const index = async (bytes: Uint8Array) => await indexTar(bytes.byteLength, async (offset, length) => bytes.subarray(offset, offset + length))
const file = (path: string, text = 'x'): Uint8Array => formatTarFile(path, Buffer.from(text), 0)
const archive = (...files: readonly Uint8Array[]): Buffer => Buffer.concat([...files, formatTarEnd()])

t.test('what was written is found again, and files that are not of a log are passed over', async t => {
  const bytes = archive(file('checkpoint', 'abc'), file('tile/entries/x001/234.p/7', 'y'.repeat(600)), file('pending/0'), file('../../etc/passwd'), file('tile/0/0'))
  const places = await index(bytes)
  t.strictSame([...places.keys()], ['checkpoint', 'tile/entries/x001/234.p/7'])
  const { offset = 0, sizeBytes = 0 } = places.get('checkpoint') ?? {}
  t.equal(bytes.toString('utf8', offset, offset + sizeBytes), 'abc')
})

t.test('what GNU tar packs is read, and what we pack GNU tar reads', async t => {
  const folder = tempFolder(t)
  mkdirSync(join(folder, 'log/tile/0'), { recursive: true })
  writeFileSync(join(folder, 'log/checkpoint'), 'abc')
  writeFileSync(join(folder, 'log/tile/0/000'), 'hashes')
  for (const format of ['ustar', 'gnu']) {
    t.equal(spawnSync('tar', [`--format=${format}`, '-cf', join(folder, 'a.tar'), '-C', join(folder, 'log'), '.']).status, 0)
    await using files = await openLogFiles(join(folder, 'a.tar'))
    t.equal(Buffer.from(await files.read('tile/0/000') ?? '').toString(), 'hashes', format)
    t.equal(await files.read('tile/0/001'), undefined)
  }
  writeFileSync(join(folder, 'b.tar'), archive(file('checkpoint'), file('tile/0/000')))
  t.strictSame(spawnSync('tar', ['-tf', join(folder, 'b.tar')], { encoding: 'utf8' }).stdout, 'checkpoint\ntile/0/000\n')
})

t.test('a file has the name that whoever unpacks the archive sees: a checkpoint behind a prefix is not the log’s', async t => {
  const header = Buffer.from(file('checkpoint'))
  const withPrefix = (prefix: string, magic: string): Buffer => {
    header.write(magic, 257, 'latin1')
    header.write(prefix, 345, 'latin1')
    header.write('        ', 148)
    header.write(`${header.subarray(0, 512).reduce((total, byte) => total + byte, 0).toString(8).padStart(6, '0')}\0 `, 148)
    return archive(header)
  }
  t.strictSame([...(await index(withPrefix('elsewhere', 'ustar\x0000'))).keys()], [])
  t.strictSame([...(await index(withPrefix('14742600000', 'ustar  \0'))).keys()], ['checkpoint'], 'GNU tar has a time there')
})

t.test('a pipe in the place of an archive, or of a file in a folder, is refused at once', async t => {
  const folder = tempFolder(t)
  t.equal(spawnSync('mkfifo', [join(folder, 'checkpoint')]).status, 0)
  await t.rejects(openLogFiles(join(folder, 'checkpoint')), { name: 'Failure', message: /neither a folder nor a file/ })
  await using files = await openLogFiles(folder)
  await t.rejects(files.read('checkpoint'), { name: 'Failure', message: /not a file of a log/ })
})

t.test('each archive that is not one is refused with what is wrong', async t => {
  const edited = (at: number, text: string): Buffer => {
    const header = Buffer.from(file('checkpoint'))
    header.write(text, at, 'latin1')
    header.write('        ', 148)
    const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    return archive(header)
  }
  const flipped = archive(file('checkpoint'))
  flipped[3] = 0x58
  const cases: ReadonlyArray<readonly [Buffer, RegExp]> = [
    [Buffer.alloc(0), /ends without an end/],
    [Buffer.from(file('checkpoint')), /ends without an end/],
    [Buffer.from(file('checkpoint', 'x'.repeat(600))).subarray(0, 1024), /cut off/],
    [Buffer.alloc(1024, 'x'), /not in the ustar format/],
    [Buffer.concat([gzipSync(archive(file('checkpoint'))), Buffer.alloc(512)]), /compressed: have gunzip/],
    [flipped, /sum/],
    [edited(156, '2'), /regular files/],
    [edited(156, 'L'), /regular files/],
    [edited(156, 'x'), /regular files/],
    [edited(124, '-0000000001'), /size is misshapen/],
    [edited(124, '\x80\0\0\0\0\0\0\0\0\0\0\x01'), /size is misshapen/],
    [edited(124, '77777777777'), /cut off/],
    [archive(file('checkpoint'), file('checkpoint')), /twice/],
    [archive(file('checkpoint', 'x'.repeat(256 * 65_537 + 1))), /larger than any file/],
  ]
  for (const [bytes, message] of cases) await t.rejects(index(bytes), { name: 'Failure', exit: 'usage', message })
})

t.test('whatever bytes come, the reader ends: with files inside the archive, or with a sentence', async t => {
  const seed = archive(file('checkpoint', 'abc'), file('tile/0/000', 'y'.repeat(40)))
  const edits = fc.array(fc.tuple(fc.nat(seed.byteLength - 1), fc.nat(255)), { maxLength: 12 })
  await t.resolves(fc.assert(fc.asyncProperty(edits, fc.nat(seed.byteLength), fc.uint8Array({ maxLength: 1600 }), async (changes, length, random) => {
    const bytes = Buffer.from(seed)
    for (const [at, byte] of changes) bytes[at] = byte
    for (const input of [bytes, bytes.subarray(0, length), random]) {
      try {
        for (const { offset, sizeBytes } of (await index(input)).values()) if (offset + sizeBytes > input.byteLength) return false
      } catch (err) {
        if (!(err instanceof Failure)) throw err
      }
    }
    return true
  }), { numRuns: 2000 }))
})
