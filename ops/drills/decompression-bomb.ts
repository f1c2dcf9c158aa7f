import { gzipSync } from 'node:zlib'
import { startReady } from './daemon-process.ts'
import type { Drill } from './drill.ts'

/** Two hundred MiB each, in about 200 KiB. */
const BOMB_BYTES = 200 * 2 ** 20
const BOMBS = 8
const MAX_GROWTH_BYTES = 48 * 2 ** 20

/** Small bodies that would unpack to hundreds of MiB: refused with 413 as they begin to grow, without memory for them. */
export const decompressionBomb: Drill = async (notes, stack) => {
  const daemon = await startReady(stack)
  const bomb = gzipSync(Buffer.alloc(BOMB_BYTES, ' '))
  const send = async () => await daemon.admin('POST', '/v1/providers', { body: bomb, headers: { 'content-encoding': 'gzip' } })
  await send() // so that what the first one loads is not counted as growth
  const before = daemon.rssBytes()
  let peak = before
  const sampling = setInterval(() => { peak = Math.max(peak, daemon.rssBytes()) }, 5)
  stack.defer(() => clearInterval(sampling))

  const answers = await Promise.all(Array.from({ length: BOMBS }, send))
  notes.figure('bytes sent KiB', bomb.byteLength / 1024)
  notes.figure('memory grown MiB', (peak - before) / 2 ** 20)
  notes.expect('every bomb is refused with 413', answers.every(({ status }) => status === 413), answers)
  notes.expect('memory does not grow with them', peak - before < MAX_GROWTH_BYTES, peak - before)
  const counted = await daemon.metric('rejected_total{reason="decompress"}')
  notes.expect('each is counted', counted === BOMBS + 1, counted)
  const { status } = await daemon.admin('POST', '/v1/providers', { body: gzipSync(JSON.stringify({ key: `b3:${'00'.repeat(32)}` })), headers: { 'content-encoding': 'gzip' } })
  notes.expect('an honest compressed body is served', status === 200, status)
}
