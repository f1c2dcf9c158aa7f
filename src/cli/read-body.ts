import { Failure } from './failure.ts'

/** No answer of the daemon is longer: a full routing table or a full key is a few MiB. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024

/** A record has 16 addresses of 512 bytes at most. */
const MAX_LINE_BYTES = 1024 * 1024

/** The whole of a body. */
export async function readText (body: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.from(await readBytes(body)).toString('utf8')
}

export async function readBytes (body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of body) {
    sizeBytes += chunk.byteLength
    if (sizeBytes > MAX_TEXT_BYTES) throw tooLong()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The lines of a body as they come, without their ends; empty ones are left out. */
export async function * readLines (body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MAX_LINE_BYTES) throw tooLong()
    yield * lines.filter(line => line !== '')
  }
  if (rest !== '') yield rest
}

function tooLong (): Failure {
  return new Failure('The daemon sends more than any answer of its kind can be.', { exit: 'internal', code: 'Internal' })
}
