import { connect } from 'node:net'

export interface HttpLoad {
  readonly requests: number
  readonly seconds: number
  readonly latenciesMs: readonly number[]
  /** Answers whose status was not 200. */
  readonly refused: number
}

/**
 * GETs on keep-alive connections, one request in flight on each, for `durationMs`. Reads no more of an answer than its status and
 * length, so that little of the machine goes to the client.
 */
export async function runHttpLoad (url: URL, { connections, durationMs }: { readonly connections: number, readonly durationMs: number }): Promise<HttpLoad> {
  if (!url.hostname.startsWith('127.')) throw new Error(`${url.hostname} is not on loopback`)
  const startedAt = performance.now()
  const all = await Promise.all(Array.from({ length: connections }, async () => await keepAsking(url, startedAt + durationMs)))
  return {
    requests: all.reduce((sum, { latenciesMs }) => sum + latenciesMs.length, 0),
    seconds: (performance.now() - startedAt) / 1000,
    latenciesMs: all.flatMap(({ latenciesMs }) => latenciesMs),
    refused: all.reduce((sum, { refused }) => sum + refused, 0),
  }
}

function keepAsking (url: URL, endsAt: number): Promise<{ readonly latenciesMs: number[], readonly refused: number }> {
  const request = Buffer.from(`GET ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\naccept: application/json\r\n\r\n`)
  return new Promise((resolve, reject) => {
    const latenciesMs: number[] = []
    let [refused, sentAt, received] = [0, 0, '']
    const socket = connect(Number(url.port), url.hostname)
    const ask = (): void => {
      sentAt = performance.now()
      socket.write(request)
    }
    socket.setNoDelay(true)
    socket.on('connect', ask)
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the server closed a connection')))
    socket.on('data', chunk => {
      received += chunk.toString('latin1')
      const answer = parseAnswer(received)
      if (answer === undefined) return
      received = ''
      latenciesMs.push(performance.now() - sentAt)
      if (answer.status !== 200) refused++
      if (performance.now() < endsAt) return ask()
      resolve({ latenciesMs, refused })
      socket.destroy()
    })
  })
}

/** The status of a whole answer; undefined while some of it is missing. Only one answer is ever under way. */
function parseAnswer (received: string): { readonly status: number } | undefined {
  const headerEnd = received.indexOf('\r\n\r\n')
  if (headerEnd < 0) return undefined
  const length = /\r\ncontent-length: (\d+)/i.exec(received.slice(0, headerEnd))?.[1]
  if (length === undefined) throw new Error(`an answer without a length: ${received.slice(0, headerEnd)}`)
  return received.length < headerEnd + 4 + Number(length) ? undefined : { status: Number(received.slice(9, 12)) }
}
