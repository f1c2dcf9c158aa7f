import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { EXIT, EXIT_OF_CODE } from '../../src/cli/exit-codes.ts'
import { DhtError, type ErrorCode } from '../../src/core/errors.ts'
import { KEY, NOW, PEER, startDaemon, tempDirectory } from '../http/admin/fake-daemon.ts'
import { only } from '../patterns.ts'
import { jsonLines, ronctl } from './ronctl.ts'

const UNREACHABLE = '/nowhere/admin.sock'

t.test('every refusal of the daemon has its exit code, its sentence and its hint', async t => {
  const expected: Partial<Record<ErrorCode, number>> = {
    BadRequest: 2, NoCapability: 77, NotFound: 1, Conflict: 1, TooLarge: 2, Backpressure: 75, StoreUnavailable: 75, QuorumNotMet: 77, NotReady: 75, Timeout: 75, Internal: 70,
  }
  for (const code of Object.keys(EXIT_OF_CODE) as ErrorCode[]) {
    const socket = await startDaemon(t, { quotas: () => { throw new DhtError(code, 'No.', { hint: 'Do \u001b[2J that.' }) } })
    const { exit, stdout, stderr } = await ronctl(['quotas', PEER, '--socket', socket])
    t.equal(exit, expected[code] ?? EXIT[EXIT_OF_CODE[code]].code, code)
    t.equal(stdout, '')
    t.equal(stderr, 'ronctl: No.\nDo \\u001b[2J that.\n')
  }
})

t.test('with --json an error is the envelope on stderr', async t => {
  const socket = await startDaemon(t, { quotas: () => { throw new DhtError('Backpressure', 'Too many.', { hint: 'Wait.' }) } })
  const { exit, stdout, stderr } = await ronctl(['quotas', PEER, '--socket', socket, '--json'])
  t.equal(exit, 75)
  t.equal(stdout, '')
  t.match(jsonLines(stderr), only({ error: { code: 'Backpressure', message: 'Too many.', retryable: true, hint: 'Wait.', ts: new Date(NOW).toISOString(), request_id: /^[0-9a-f-]{36}$/ } }))
})

t.test('our own errors take the same form', async t => {
  t.match(jsonLines((await ronctl(['status', '--json', '--socket', UNREACHABLE])).stderr), only({ error: { code: 'Unreachable', retryable: true, hint: String, request_id: '' } }))
  t.match(jsonLines((await ronctl(['find', 'x', '--json'])).stderr), only({ error: { code: 'BadRequest', message: /^Not a key/, hint: /CID/ } }))
  t.match(jsonLines((await ronctl(['statsu', '--json'])).stderr), only({ error: { code: 'BadRequest', message: "unknown command 'statsu'", hint: '(Did you mean status?)' } }))
})

t.test('a code that this ronctl does not know counts as a fault', async t => {
  const socket = await startDaemon(t, { quotas: () => { throw new DhtError('Newfangled' as ErrorCode, 'What?') } })
  t.match(await ronctl(['quotas', PEER, '--socket', socket]), { exit: 70 })
})

t.test('a fault of our own is reported without a stack', async t => {
  const { exit, stderr } = await ronctl(['config', 'check', '--file', 'x'], { checkFile: () => { throw new Error('broken') } })
  t.same({ exit, stderr }, { exit: 70, stderr: 'ronctl: ronctl failed: broken\n' })
  // eslint-disable-next-line no-throw-literal -- what others throw need not be an Error
  t.match(await ronctl(['version', '--socket', UNREACHABLE], { columns: 80, env: { get NO_COLOR (): string { throw 'odd' } } }), { exit: 70, stderr: /ronctl failed: odd/ })
})

t.test('a wrong command line exits with 2 and says what is wrong', async t => {
  const lines: Readonly<Record<string, RegExp>> = {
    statsu: /unknown command 'statsu'\n\(Did you mean status\?\)/,
    'status --jsno': /unknown option '--jsno'\n\(Did you mean --json\?\)/,
    'status extra': /too many arguments/,
    find: /missing required argument 'key'/,
    'find nonsense': /Not a key/,
    'closest b3:1': /64 hex digits/,
    'records nonsense': /Not a key/,
    'completion tcsh': /Allowed choices are bash, zsh, fish/,
    'config frob': /unknown command 'frob'/,
    'status --socket': /argument missing/,
  }
  for (const [line, message] of Object.entries(lines)) {
    const { exit, stdout, stderr } = await ronctl(line.split(' '))
    t.equal(exit, 2, line)
    t.equal(stdout, '')
    t.match(stderr, message)
  }
})

t.test('without a command the help page is an error, asked for it is an answer', async t => {
  const bare = await ronctl([])
  t.match(bare, { exit: 2, stdout: '', stderr: /Usage: ronctl[^]*A command is missing\./ })
  const asked = await ronctl(['--help'])
  t.match(asked, { exit: 0, stdout: /Usage: ronctl/, stderr: '' })
  for (const { code, meaning } of Object.values(EXIT)) t.match(asked.stdout, `${String(code).padEnd(4)}${meaning}`)
  t.match(await ronctl(['find', '--help'], { columns: 60 }), { exit: 0, stdout: /events of GET \/v1\/lookups\/providers[^]*/ })
  t.match((await ronctl(['config', 'get', '--help'])).stdout, /--socket <path>/, 'options of every command are shown with each')
})

t.test('the socket is the option, else the variable, else the user’s own', async t => {
  const looked = async (args: string[], env: Record<string, string> = {}) => {
    const { exit, stderr } = await ronctl(['status', ...args], { env })
    t.equal(exit, 69)
    return /looked at (.*)\)/.exec(stderr)?.[1]
  }
  const env = { RONCTL_SOCKET: '/nowhere/env.sock', XDG_RUNTIME_DIR: '/nowhere/run' }
  t.equal(await looked(['--socket', '/nowhere/option.sock'], env), '/nowhere/option.sock')
  t.equal(await looked([], env), '/nowhere/env.sock')
  t.equal(await looked([], { ...env, RONCTL_SOCKET: '' }), '/nowhere/run/svc-dht/admin.sock')
  t.equal(await looked([]), '/tmp/svc-dht-1000/admin.sock')
  t.equal(await looked(['--socket', ''], env), '/nowhere/env.sock', 'an empty path is no path')
})

t.test('an answer cut off by the daemon is a fault', async t => {
  const path = join(tempDirectory(t), 'admin.sock')
  const server = createServer((_, response) => { response.end('{"event":"progress","trace":{}}\n') }).listen(path)
  await once(server, 'listening')
  t.teardown(() => server.close())
  t.match(await ronctl(['find', KEY, '--socket', path]), { exit: 70, stderr: /broke the answer off/ })
})
