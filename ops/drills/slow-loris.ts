import { connect } from 'node:net'
import { once } from 'node:events'
import { startReady } from './daemon-process.ts'
import type { Drill } from './drill.ts'

const CONNECTIONS = 200

/** Many clients that never finish a request: each is ended in time, and others are answered meanwhile. */
export const slowLoris: Drill = async (notes, stack) => {
  const daemon = await startReady(stack)
  const { hostname, port } = new URL(daemon.started.public)
  const before = await daemon.metric('rejected_total{reason="slow"}')
  const startedAt = performance.now()
  const ends = Array.from({ length: CONNECTIONS }, async () => {
    const socket = connect(Number(port), hostname)
    stack.defer(() => { socket.destroy() })
    socket.on('error', () => {}).resume().write('GET /routing/v1/providers/b3:00 HTTP/1.1\r\nHost: x\r\nX-Slow: ')
    await once(socket, 'close')
    return performance.now() - startedAt
  })

  const askedAt = performance.now()
  const { status } = await fetch(`${daemon.started.public}/openapi.json`)
  notes.figure('answer to another client meanwhile ms', performance.now() - askedAt)
  notes.expect('another client is answered meanwhile', status === 200, status)

  const longest = Math.max(...await Promise.all(ends))
  notes.figure('longest unfinished request s', longest / 1000)
  notes.expect('every unfinished request is ended within 8 s', longest < 8000, longest)
  const counted = await daemon.metric('rejected_total{reason="slow"}') - before
  notes.expect('each is counted as slow', counted === CONNECTIONS, counted)
  notes.expect('the daemon is ready after it', await daemon.ready(), 'not ready')
}
