import { connect } from 'node:net'
import { request, type IncomingHttpHeaders, type RequestOptions } from 'node:http'

export interface RawResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly trailers: NodeJS.Dict<string>
  /** False when the connection broke off before the body's end. */
  readonly complete: boolean
}

/** A GET that keeps what `fetch` hides: trailers, and whether the body ended. */
export function getRaw (url: string, options: RequestOptions = {}): Promise<RawResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<RawResponse>()
  const outgoing = request(url, { agent: false, ...options }, response => {
    let body = ''
    response.setEncoding('utf8').on('data', (chunk: string) => { body += chunk })
    response.on('error', () => {}) // 'close' follows, and `complete` says it
    response.on('close', () => resolve({
      status: response.statusCode ?? 0, headers: response.headers, body, trailers: response.trailers, complete: response.complete,
    }))
  })
  outgoing.on('error', reject).end()
  return promise
}

/** Writes bytes to the server and returns all it says until it closes. */
export function sendBytes (url: string, bytes: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let said = ''
  const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes))
  socket.setEncoding('utf8').on('data', (chunk: string) => { said += chunk }).on('close', () => resolve(said)).on('error', reject)
  return promise
}
