import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openCheckpoint, type Opened } from '../../src/audit/format/checkpoint.ts'
import { createLog, diskStorage, fill, KEYS, NOW, ORIGIN, tempFolder } from './logs.ts'

const MINUTE_MS = 60_000

async function until<T> (read: () => Promise<T> | T, isRight: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read()
    if (isRight(value)) return value
    await new Promise(resolve => setImmediate(resolve))
  }
}

t.test('an idle log signs its head anew, of the same size and root, and rewrites nothing else', async t => {
  const folder = tempFolder(t)
  let nowMs = NOW
  const { log } = createLog(diskStorage(folder), { refreshMs: 5 }, KEYS, () => nowMs)
  const head = async (): Promise<Opened> => openCheckpoint(await log.file('checkpoint') ?? new Uint8Array(), ORIGIN, KEYS)
  await log.start()
  await fill(log, 300)
  await log.publish()
  const first = await head()
  const bundle = readFileSync(join(folder, 'log/tile/entries/001.p/44'))
  nowMs += 5 * MINUTE_MS
  const second = await until(head, ({ signedAtMs }) => signedAtMs === nowMs)
  t.strictSame([second.size, second.root], [first.size, first.root])
  t.strictSame(openCheckpoint(readFileSync(join(folder, 'log/checkpoint')), ORIGIN, KEYS).size, 300)
  t.strictSame(readFileSync(join(folder, 'log/tile/entries/001.p/44')), bundle)
  await fill(log, 1, 300)
  await log.stop()
  const again = createLog(diskStorage(folder), {}, KEYS, () => nowMs)
  await again.log.start()
  t.strictSame([again.log.reason(), again.log.head().size], [undefined, 301])
  await again.log.stop()
})

t.test('a log that was left alone has a checkpoint of today after its start', async t => {
  const folder = tempFolder(t)
  const { log } = createLog(diskStorage(folder))
  await log.start()
  await fill(log, 3)
  await log.stop()
  const dayLater = NOW + 24 * 60 * MINUTE_MS
  const again = createLog(diskStorage(folder), {}, KEYS, () => dayLater)
  await again.log.start()
  t.equal(openCheckpoint(await again.log.file('checkpoint') ?? new Uint8Array(), ORIGIN, KEYS).signedAtMs, dayLater)
  await again.log.stop()
})
