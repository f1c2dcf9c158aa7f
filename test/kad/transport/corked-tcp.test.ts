import { EventEmitter } from 'node:events'
import type { MultiaddrConnection } from '@libp2p/interface'
import t from 'tap'
import { cork } from '../../../src/kad/transport/corked-tcp.ts'

/** A socket that notes what is done to it. */
class RecordingSocket extends EventEmitter {
  readonly calls: string[] = []
  cork (): void { this.calls.push('cork') }
  uncork (): void { this.calls.push('uncork') }
}

function connectionOf (socket: RecordingSocket | undefined, calls: string[]): MultiaddrConnection & { sendData (data: unknown): string } {
  return { socket, sendData (data: unknown) { calls.push(`send ${String(data)}`); return 'sent' } } as never
}

t.test('what leaves a connection in one turn leaves in one write', async t => {
  const socket = new RecordingSocket()
  const connection = connectionOf(socket, socket.calls)
  cork(connection)
  t.equal(connection.sendData('a'), 'sent', 'what the connection answers is passed on')
  connection.sendData('b')
  t.strictSame(socket.calls, ['cork', 'send a', 'send b'])
  await new Promise(resolve => setImmediate(resolve))
  connection.sendData('c')
  await new Promise(resolve => setImmediate(resolve))
  t.strictSame(socket.calls, ['cork', 'send a', 'send b', 'uncork', 'cork', 'send c', 'uncork'])
})

t.test('a connection that keeps its socket elsewhere works as it did', async t => {
  const calls: string[] = []
  const connection = connectionOf(undefined, calls)
  cork(connection)
  connection.sendData('a')
  t.strictSame(calls, ['send a'])
})
