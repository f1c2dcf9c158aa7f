import t from 'tap'
import { createLogger } from '../../src/observability/logger.ts'
import { only } from '../patterns.ts'

function setUp (level: string) {
  const lines: string[] = []
  const log = createLogger({ level, name: 'ronctl' }, { write: line => { lines.push(line) } })
  return { log, lines, parsed: () => lines.map(line => JSON.parse(line) as Record<string, unknown>) }
}

t.test('a line is one JSON object that says what happened, when, how bad it is and where', async t => {
  const { log, parsed } = setUp('info')
  log.child({ component: 'kad' }).warn({ event: 'announcements_skipped', keys: 2 }, 'not announced')
  log.debug({}, 'too little')
  t.equal(parsed().length, 1)
  t.match(parsed()[0], { level: 'warn', service: 'ronctl', pid: process.pid, component: 'kad', event: 'announcements_skipped', keys: 2, msg: 'not announced', ts: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ })
})

t.test('an event is written with its own fields and no others', async t => {
  const { log, parsed } = setUp('info')
  // @ts-expect-error the types do not allow it either
  log.info({ event: 'request', route: '/v1/caps', token: 'secret' }, 'request')
  t.match(parsed()[0], { event: 'request', route: '/v1/caps' })
  t.notOk('token' in (parsed()[0] ?? {}))
})

t.test('what no event names is a library’s, of which only the error and the sentence are written', async t => {
  const { log, parsed } = setUp('info')
  const library = log as unknown as { warn (...args: unknown[]): void }
  library.warn({ err: new Error('odd'), req: { headers: { authorization: 'Bearer secret' } } }, 'it says')
  library.warn('a sentence alone')
  library.warn({ event: 'invented', secret: 'secret' })
  t.match(parsed(), only({ event: 'library', msg: 'it says', err: { message: 'odd' } }, { event: 'library', msg: 'a sentence alone' }, { event: 'library' }))
  t.notMatch(JSON.stringify(parsed()), 'secret')
})

t.test('the types hold a call to the catalogue', async t => {
  const { log } = setUp('silent')
  // @ts-expect-error no such event
  log.info({ event: 'nonsense' }, '')
  // @ts-expect-error an event has one level
  log.info({ event: 'fault' }, '')
  // @ts-expect-error a field of another event
  log.info({ event: 'stopping', records: 1 }, '')
  // @ts-expect-error no event at all
  log.error({ err: new Error('x') }, '')
  t.pass('checked by the compiler')
})

t.test('credentials in the headers of a request are cut from what is written at debug', async t => {
  const { log, lines } = setUp('debug')
  const headers = { authorization: 'Bearer secret', cookie: 'id=secret', accept: '*/*' }
  log.debug({ req: { headers } }, 'request')
  log.debug({ headers }, 'request')
  t.equal(lines.length, 2)
  for (const line of lines) {
    t.notMatch(line, 'secret')
    t.match(line, '*/*')
  }
})

t.test('of an error are written its kind, its causes and where it was thrown, and nothing it carries along', async t => {
  const { log, lines, parsed } = setUp('error')
  const inner = Object.assign(new Error('inner'), { rawPacket: Buffer.from('Bearer secret') })
  log.error({ event: 'request_failed', err: Object.assign(new TypeError('outer', { cause: inner }), { code: 'ERR_X', reason: 'rate', body: 'secret' }) }, 'failed')
  log.error({ event: 'request_failed', err: 'text' }, 'failed')
  t.match(parsed()[0], { err: { type: 'TypeError', message: 'outer: inner', code: 'ERR_X', reason: 'rate', stack: /logger\.test/ } })
  t.strictSame(parsed()[1]?.['err'], { type: 'string', message: 'text' })
  t.notMatch(lines.join(''), 'secret')
  const loop = new Error('again')
  loop.cause = loop
  log.error({ event: 'request_failed', err: loop }, 'failed')
  t.match(parsed()[2], { err: { message: 'again: again: again: again: again' } })
})
