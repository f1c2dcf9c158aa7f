import t from 'tap'
import { emptyTrace } from '../../src/core/peer.ts'
import { WalkRecorder, type WalkEvent } from '../../src/kad/walk-recorder.ts'
import { only } from '../patterns.ts'
import { peerOf } from './fixtures.ts'

const asked = (name: string): WalkEvent => ({ name: 'SEND_QUERY', to: peerOf(name) })
const answered = (name: string, ...closer: readonly string[]): WalkEvent => (
  { name: 'PEER_RESPONSE', from: peerOf(name), closer: closer.map(other => ({ id: peerOf(other) })) }
)
const failed: WalkEvent = { name: 'QUERY_ERROR' }
const pathOf = (...names: readonly string[]): string[] => names.map(name => peerOf(name).toString())

function record (...events: readonly WalkEvent[]) {
  const trace = emptyTrace()
  const recorder = new WalkRecorder(trace)
  for (const event of events) recorder.record(event)
  return { trace, recorder }
}

t.test('RPCs are counted by how they ended', async t => {
  const { trace } = record(asked('a'), asked('b'), asked('c'), answered('a'), failed, { name: 'DIAL_PEER' }, { name: 'ADD_PEER' })
  t.strictSame(trace, { messages: 3, answered: 1, failed: 1, hops: 0, path: [] })
})

t.test('an answer of a peer we knew is one hop away', async t => {
  const { trace, recorder } = record(asked('a'), answered('a', 'b'))
  recorder.reachedAt(peerOf('a').toString())
  t.match(trace, { hops: 1, path: only(...pathOf('a')) })
})

t.test('the path is who told of whom, ours first', async t => {
  const { trace, recorder } = record(asked('a'), answered('a', 'b'), asked('b'), answered('b', 'c'), asked('c'), answered('c'))
  recorder.reachedAt(peerOf('c').toString())
  t.match(trace, { hops: 3, path: only(...pathOf('a', 'b', 'c')) })
})

t.test('who told first counts, and nobody told us of a peer that we had asked already', async t => {
  const { trace, recorder } = record(asked('a'), asked('b'), answered('a', 'c', 'b'), answered('b', 'c', 'a'), asked('c'), answered('c', 'a', 'b'))
  recorder.reachedAt(peerOf('c').toString())
  t.strictSame(trace.path, pathOf('a', 'c'))
  recorder.reachedAt(peerOf('b').toString())
  t.strictSame(trace.path, pathOf('b'))
})

t.test('a search in vain is as deep as anybody answered, and one that nobody answered has no hops', async t => {
  const { trace, recorder } = record(asked('a'), asked('b'), answered('b'), answered('a', 'c', 'd'), asked('c'), answered('c'), asked('d'), failed)
  recorder.close()
  t.match(trace, { hops: 2, path: only(...pathOf('a', 'c')) })
  const none = record(asked('a'), failed)
  none.recorder.close()
  t.match(none.trace, { hops: 0, path: only() })
})

t.test('a search that found something is as deep as where it did', async t => {
  const { trace, recorder } = record(asked('a'), answered('a', 'c'), asked('c'), answered('c'))
  recorder.reachedAt(peerOf('a').toString())
  recorder.close()
  t.match(trace, { hops: 1, path: only(...pathOf('a')) })
})

t.test('peers that tell of each other make no endless path', async t => {
  const { trace, recorder } = record(answered('a', 'b'), answered('b', 'a'))
  recorder.reachedAt(peerOf('a').toString())
  t.strictSame(trace.path, pathOf('b', 'a'))
})
