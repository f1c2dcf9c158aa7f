import { parentPort, workerData } from 'node:worker_threads'
import { JournalServer, type JournalRequest } from './server.ts'

// The thread that waits for the disk, so that the event loop never does. Started by `thread.ts`.

const port = parentPort
if (port === null) throw new Error('this module runs in a thread of its own')
const server = new JournalServer(String(workerData))
port.on('message', (request: JournalRequest) => {
  const answer = server.answer(request)
  const chunk = 'value' in answer && typeof answer.value === 'object' && 'chunk' in answer.value ? answer.value.chunk : undefined
  port.postMessage(answer, chunk === undefined ? [] : [chunk.peers.buffer, chunk.records.buffer])
})
