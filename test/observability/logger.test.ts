import t from 'tap'
import { createLogger } from '../../src/observability/logger.ts'

function setUp (level: string) {
  const lines: string[] = []
  return { lines, log: createLogger({ level, name: 'ronctl' }, { write: line => { lines.push(line) } }) }
}

t.test('a line is one JSON object that says which service it is from', async t => {
  const { log, lines } = setUp('info')
  log.info({ keys: 2 }, 'announced')
  log.debug('too little')
  t.equal(lines.length, 1)
  t.match(JSON.parse(lines[0] ?? ''), { level: 30, service: 'ronctl', pid: process.pid, keys: 2, msg: 'announced' })
})

t.test('credentials in the headers of a request are cut', async t => {
  const { log, lines } = setUp('info')
  const headers = { authorization: 'Bearer secret', cookie: 'id=secret', accept: '*/*' }
  log.info({ req: { headers } }, 'request')
  log.info({ headers }, 'request')
  t.equal(lines.length, 2)
  for (const line of lines) {
    t.notMatch(line, 'secret')
    t.match(line, '*/*')
  }
})

t.test('an error is logged with its cause', async t => {
  const { log, lines } = setUp('error')
  log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed')
  t.match(JSON.parse(lines[0] ?? ''), { err: { message: /outer.*inner/ } })
})
