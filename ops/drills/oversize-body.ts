import { request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { startReady, type DaemonProcess } from './daemon-process.ts'
import type { Drill } from './drill.ts'

const BODY_BYTES = 256 * 2 ** 20
const CHUNK = Buffer.alloc(64 * 1024)
const UPLOADS = 8
/** A quarter of one body, while eight of them arrive. */
const MAX_GROWTH_BYTES = 64 * 2 ** 20

/** Bodies far beyond the limit, announced and not: refused with 413 before they are taken in. */
export const oversizeBody: Drill = async (notes, stack) => {
  const daemon = await startReady(stack)
  await upload(daemon, { announced: true }) // so that what the first request loads is not counted as growth
  const before = daemon.rssBytes()
  let peak = before
  const sampling = setInterval(() => { peak = Math.max(peak, daemon.rssBytes()) }, 5)
  stack.defer(() => clearInterval(sampling))

  const uploads = await Promise.all(Array.from({ length: UPLOADS }, async (_, index) => await upload(daemon, { announced: index % 2 === 0 })))
  const statuses = uploads.map(({ status }) => status)
  notes.expect('every upload is refused with 413', statuses.every(status => status === 413), statuses)
  notes.expect('with the error that says so', uploads.every(({ code }) => code === 'TooLarge'), uploads.map(({ code }) => code))
  const taken = Math.max(...uploads.map(({ sentBytes }) => sentBytes))
  notes.figure('most bytes sent before the refusal MiB', taken / 2 ** 20)
  notes.expect('none is taken in whole', taken < BODY_BYTES, taken)
  notes.figure('memory grown MiB', (peak - before) / 2 ** 20)
  notes.expect('memory does not grow with them', peak - before < MAX_GROWTH_BYTES, peak - before)
  const counted = await daemon.metric('rejected_total{reason="http_body"}')
  notes.expect('each is counted', counted === UPLOADS + 1, counted)
  notes.expect('the daemon is ready after it', await daemon.ready(), 'not ready')
}

interface Upload { readonly status: number, readonly code: string, readonly sentBytes: number }

/** Sends until it is answered or cut off. */
async function upload (daemon: DaemonProcess, { announced }: { readonly announced: boolean }): Promise<Upload> {
  const url = `${daemon.started.public}/routing/v1/ipns/k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8`
  const sent = request(url, { method: 'PUT', headers: { 'content-type': 'application/vnd.ipfs.ipns-record', ...(announced && { 'content-length': BODY_BYTES }) } })
  const answer = Promise.withResolvers<IncomingMessage | undefined>()
  const over = new AbortController()
  sent.once('response', answer.resolve).once('error', () => answer.resolve(undefined)).once('close', () => over.abort())
  void answer.promise.then(() => over.abort())
  let sentBytes = 0
  while (!over.signal.aborted && sentBytes < BODY_BYTES) {
    const isTaken = sent.write(CHUNK)
    sentBytes += CHUNK.byteLength
    if (!isTaken) await Promise.race([once(sent, 'drain'), answer.promise]).catch(() => {})
  }
  const response = await answer.promise
  if (response === undefined) return { status: 0, code: 'cut off', sentBytes }
  let text = ''
  for await (const part of response.setEncoding('utf8')) text += String(part)
  sent.destroy()
  return { status: response.statusCode ?? 0, code: String((JSON.parse(text) as { error: { code: string } }).error.code), sentBytes }
}
