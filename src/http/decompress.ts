import { PassThrough, type Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { DhtError } from '../core/errors.ts'
import { HttpError } from './envelope.ts'

/** macronode security §4: at most ten times what arrived, and an absolute bound. */
const MAX_RATIO = 10
const MAX_BYTES = 32 * 1024 * 1024

const CHUNK = { chunkSize: 16 * 1024 }
const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip(CHUNK),
  'x-gzip': () => createGunzip(CHUNK),
  deflate: () => createInflate(CHUNK),
  br: () => createBrotliDecompress(CHUNK),
}

/** A body on its way, with how much of it arrived: fastify compares that with Content-Length. */
type Body = Readable & { receivedEncodedLength?: number }

/** Takes compressed bodies, and refuses with 413 what grows beyond the limits, before more than the excess was unpacked. */
export function acceptCompressedBodies (app: FastifyInstance): void {
  app.addHook('preParsing', async (request, _reply, payload): Promise<Body> => {
    const { 'content-encoding': encoding, 'content-length': length, 'transfer-encoding': transfer } = request.headers
    const hasBody = transfer !== undefined || (length !== undefined && length !== '0')
    if (encoding === undefined || encoding.toLowerCase() === 'identity' || !hasBody) return payload
    const name = encoding.trim().toLowerCase()
    const decoder = Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined
    if (decoder === undefined) throw new HttpError(415, 'Unsupported', 'The content encoding is not supported here.', { hint: 'Send gzip, deflate, br or identity.', reason: 'http_type' })
    return unpack(payload, decoder(), Math.min(MAX_BYTES, request.routeOptions.bodyLimit ?? MAX_BYTES))
  })
}

function unpack (payload: Readable, decoder: Transform, maxBytes: number): Body {
  const out: PassThrough & Body = new PassThrough({ highWaterMark: CHUNK.chunkSize })
  let received = 0
  let unpacked = 0
  const fail = (error: DhtError): void => {
    payload.unpipe(decoder)
    payload.resume() // what still arrives is thrown away while the refusal goes out
    decoder.destroy()
    out.destroy(error)
  }
  payload.on('data', (chunk: Buffer) => {
    received += chunk.byteLength
    out.receivedEncodedLength = received
  })
  out.on('error', () => {}) // who reads it may have turned away already
  payload.once('error', () => fail(new DhtError('BadRequest', 'The body did not arrive whole.', { reason: 'http_body' })))
  decoder.on('data', (chunk: Buffer) => {
    unpacked += chunk.byteLength
    if (unpacked > maxBytes || unpacked > received * MAX_RATIO) {
      return fail(new DhtError('TooLarge', `The body grows beyond ${MAX_RATIO} times its size, or ${maxBytes / 2 ** 20} MiB.`, { hint: 'Send it uncompressed.', reason: 'decompress' }))
    }
    if (!out.write(chunk)) {
      decoder.pause()
      out.once('drain', () => decoder.resume())
    }
  })
  decoder.once('error', () => fail(new DhtError('BadRequest', 'The body is not what its content encoding says.', { reason: 'http_body' })))
  decoder.once('end', () => out.end())
  payload.pipe(decoder)
  return out
}
