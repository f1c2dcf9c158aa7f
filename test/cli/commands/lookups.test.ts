import { once } from 'node:events'
import t from 'tap'
import { DhtError } from '../../../src/core/errors.ts'
import { emptyTrace, type PeerRecord } from '../../../src/core/peer.ts'
import type { Answer, LookupOptions } from '../../../src/lookup/answer.ts'
import { answerOf, fakePorts, KEY, NOW, OTHER_PEER, PEER, RECORD, startDaemon } from '../../http/admin/fake-daemon.ts'
import { jsonLines, ronctl } from '../ronctl.ts'

/** A daemon whose lookups of every kind answer this. */
function startWith (t: Parameters<typeof startDaemon>[0], answer: (options: LookupOptions) => Answer): Promise<string> {
  return startDaemon(t, { lookup: { providers: (_, options) => answer(options), peer: (_, options) => answer(options), closest: (_, options) => answer(options) } })
}

t.test('each lookup prints a peer a line with all its addresses, and what it took as a remark', async t => {
  const socket = await startDaemon(t)
  const line = `${PEER}  ${RECORD.addrs.join(' ')}\n`
  const trace = '12 messages, 9 answered, 1 failed, 2 hops\n'
  t.same(await ronctl(['find', KEY, '--socket', socket]), { exit: 0, stdout: line, stderr: `1 provider; ${trace}` })
  t.same(await ronctl(['peer', PEER, '--socket', socket]), { exit: 0, stdout: line, stderr: `1 peer; ${trace}` })
  t.same(await ronctl(['closest', PEER, '--socket', socket]), { exit: 0, stdout: line + line.replace(PEER, OTHER_PEER), stderr: `2 peers; ${trace}` })
})

t.test('--json prints the daemon’s events as they are', async t => {
  const socket = await startDaemon(t)
  const done = { event: 'done', cached: false, trace: { messages: 12, answered: 9, failed: 1, hops: 2, path: [PEER, OTHER_PEER] } }
  for (const command of ['find', 'peer']) {
    const { exit, stdout, stderr } = await ronctl([command, command === 'find' ? KEY : PEER, '--json', '--socket', socket])
    t.same(jsonLines(stdout), [{ event: 'record', record: RECORD }, done], command)
    t.same({ exit, stderr }, { exit: 0, stderr: '' })
  }
  t.same(jsonLines((await ronctl(['closest', KEY, '--json', '--socket', socket])).stdout).length, 3)
})

t.test('the limit goes to the daemon, and one that it would refuse goes nowhere', async t => {
  const limits: number[] = []
  const socket = await startWith(t, ({ limit }) => { limits.push(limit); return answerOf([RECORD], { truncated: 'limit' }) })
  t.match(await ronctl(['find', KEY, '--limit', '7', '--socket', socket]), { exit: 0, stderr: /there may be more: raise --limit/ })
  await ronctl(['closest', KEY, '--socket', socket])
  await ronctl(['peer', PEER, '--socket', socket])
  t.same(limits, [7, 100, 1])
  for (const limit of ['0', '1001', 'many', '1.5', '-1']) t.match(await ronctl(['find', KEY, `--limit=${limit}`]), { exit: 2, stderr: /from 1 to 1000/ }, limit)
})

t.test('nothing found is a no only when everyone was asked', async t => {
  const complete = await startWith(t, () => answerOf([]))
  t.match(await ronctl(['find', KEY, '--socket', complete]), { exit: 1, stdout: '', stderr: /^No provider found; 12 messages/ })
  const cut = await startWith(t, () => answerOf([], { truncated: 'deadline' }))
  t.match(await ronctl(['find', KEY, '--socket', cut]), { exit: 75, stderr: /the time was up/ })
  const broken = await startWith(t, () => answerOf([], { truncated: 'error' }))
  t.match(await ronctl(['find', KEY, '--json', '--socket', broken]), { exit: 75, stderr: '' })
})

t.test('an answer from the cache says so', async t => {
  const socket = await startWith(t, () => answerOf([RECORD], { cached: true }))
  t.match(await ronctl(['find', KEY, '--socket', socket]), { stderr: '1 provider; a recent answer was used\n' })
})

t.test('on a terminal long lines are cut, and what a peer says cannot control it', async t => {
  const hostile: PeerRecord = { id: PEER, addrs: ['/dns4/\u001b]0;owned\u0007/tcp/1', ...Array.from({ length: 20 }, (_, i) => `/ip4/192.0.2.${i}/tcp/4001`)], protocols: [] }
  const socket = await startWith(t, () => answerOf([hostile]))
  const { stdout } = await ronctl(['find', KEY, '--socket', socket], { columns: 100 })
  t.equal(stdout.trimEnd().length, 100)
  t.match(stdout, '/dns4/\\u001b]0;owned\\u0007/tcp/1')
  t.match(stdout, /…\n$/)
  t.match((await ronctl(['find', KEY, '--socket', socket])).stdout, '/ip4/192.0.2.19/tcp/4001', 'a pipe gets everything')
})

t.test('a long walk shows its progress on a terminal, on a line that goes away', async t => {
  const shown = Promise.withResolvers<void>()
  const trace = { ...emptyTrace(), messages: 5, answered: 1, hops: 1 }
  const slow = (): Answer => ({
    records: (async function * () {
      yield RECORD
      await shown.promise
    })(),
    summary: { resolvedAt: NOW, cached: false, truncated: undefined, trace },
  })
  const socket = await startWith(t, slow)
  let stderr = ''
  const ended = ronctl(['find', KEY, '--socket', socket], { columns: 40, onStderr: text => { stderr += text; if (text.includes('so far')) shown.resolve() } })
  t.equal((await ended).exit, 0)
  t.match(stderr, '\r\u001b[2K1 provider so far; 5 messages, 1 answe…\r\u001b[2K1 provider; 5 messages')
})

t.test('when nobody reads any more, the walk ends and the command with it, in peace', async t => {
  const walkEnded = Promise.withResolvers<void>()
  const socket = await startWith(t, ({ signal }) => answerOf((async function * () {
    yield RECORD
    await once(signal, 'abort')
    walkEnded.resolve()
  })()))
  const unread = new AbortController()
  const { exit, stderr } = await ronctl(['find', KEY, '--socket', socket], { signal: unread.signal, onStdout: () => unread.abort() })
  await walkEnded.promise
  t.same({ exit, stderr }, { exit: 0, stderr: '' })
})

t.test('what the daemon refuses decides the exit code', async t => {
  const { lookup } = fakePorts()
  const socket = await startDaemon(t, { lookup: { ...lookup, peer: () => { throw new DhtError('BadRequest', 'Not a peer ID.') } } })
  t.match(await ronctl(['peer', 'x', '--socket', socket]), { exit: 2, stderr: 'ronctl: Not a peer ID.\n' })
})
