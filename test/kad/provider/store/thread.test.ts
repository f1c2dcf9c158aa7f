import { execFileSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import t from 'tap'
import { WorkerThread } from '../../../../src/kad/provider/store/journal/thread.ts'
import { createStore, inlineJournal, tempFile } from './persistent-stores.ts'

t.test('a thread that hangs in the kernel is left at once, and what it was asked is rejected', async t => {
  const file = tempFile(t)
  const { store } = createStore({ journal: inlineJournal(file) })
  await store.start()
  await store.stop()
  const mark = `${file}-commits`
  execFileSync('rm', [mark])
  execFileSync('mkfifo', [mark]) // opening it waits for a writer, as reading from a dead network disk waits for its server

  const thread = new WorkerThread(file)
  const opened = thread.ask({ kind: 'open', create: false })
  thread.abandon()
  await t.rejects(opened, { name: 'JournalError', fault: 'io' })
  await t.rejects(thread.ask({ kind: 'close' }), { name: 'JournalError', fault: 'io' })
  closeSync(openSync(mark, 'r+')) // lets it go, if it got there, so that this process can end
})
