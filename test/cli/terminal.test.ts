import { EventEmitter } from 'node:events'
import t from 'tap'
import { createTerminal } from '../../src/cli/terminal.ts'

/** A terminal in our hands: what is typed goes in, what is shown comes out. */
function setUp () {
  const modes: boolean[] = []
  let shown = ''
  const input = Object.assign(new EventEmitter(), {
    isTTY: true,
    setRawMode: (on: boolean) => { modes.push(on) },
    setEncoding: () => {},
    resume: () => {},
    pause: () => {},
  })
  const terminal = createTerminal(input as never, { write: ((text: string) => { shown += text }) as never })
  const ask = async (typed: readonly string[], isHidden = false) => {
    const answer = terminal.ask('? ', { isHidden })
    for (const chunk of typed) input.emit('data', chunk)
    return await answer
  }
  return { terminal, ask, modes, input, shown: () => shown }
}

t.test('what is hidden is not echoed, and the terminal is left as it was', async t => {
  const { ask, modes, shown, input } = setUp()
  t.equal(await ask(['cörrect hor', 'se\r'], true), 'cörrect horse')
  t.equal(shown(), '? \n')
  t.strictSame(modes, [true, false])
  t.equal(input.listenerCount('data'), 0)
})

t.test('a mistake can be taken back, and control characters are no part of an answer', async t => {
  const { ask, shown } = setUp()
  t.equal(await ask(['yx\u007fe\u001bs\n']), 'yes')
  t.match(shown(), 'yx\b \bes')
})

t.test('Ctrl-C, Ctrl-D and a terminal that goes away are no answer', async t => {
  for (const typed of ['abc\u0003', '\u0004']) t.equal(await setUp().ask([typed]), undefined)
  const { terminal, input } = setUp()
  const answer = terminal.ask('? ')
  input.emit('end')
  t.equal(await answer, undefined)
})

t.test('an answer has a bound', async t => {
  t.equal((await setUp().ask(['x'.repeat(10_000), '\r']))?.length, 4096)
})
