import t from 'tap'
import { paint, renderFields, renderRow, renderTable, type View } from '../../src/cli/layout.ts'

const piped: View = { now: 0, columns: undefined, hasColour: false }

t.test('columns are as wide as their longest cell, numbers to the right', async t => {
  const text = renderTable([{ title: 'N', alignment: 'right' }, { title: 'NAME' }, { title: 'ADDRESSES' }], [['5', 'a', 'x'], ['10', 'bcdef', '']], piped)
  t.equal(text, ' N  NAME   ADDRESSES\n 5  a      x\n10  bcdef\n')
})

t.test('a terminal cuts lines to its width, a pipe never', async t => {
  const rows = [['peer', '/ip4/192.0.2.1/tcp/4001 /ip4/192.0.2.2/tcp/4001']]
  const columns = [{ title: 'PEER' }, { title: 'ADDRESSES' }]
  const onTerminal = renderTable(columns, rows, { ...piped, columns: 20 })
  t.ok(onTerminal.split('\n').every(line => line.length <= 20))
  t.match(onTerminal, '…')
  t.match(renderTable(columns, rows, piped), rows[0]?.[1])
  t.equal(renderRow(['abc', 'def'], { ...piped, columns: 5 }), 'abc …\n')
})

t.test('cells and values are made printable', async t => {
  const hostile = '\u001b[2J\n'
  for (const text of [renderTable([{ title: 'A' }], [[hostile]], piped), renderFields([['a', hostile]], piped), renderRow([hostile], piped)]) {
    t.match(text, '\\u001b[2J\\u000a')
    t.notMatch(text, '\u001b')
  }
})

t.test('a field with several values has a line for each, and says when there is none', async t => {
  t.equal(renderFields([['one', 'x'], ['several', ['y', 'z']], ['empty', []]], piped), 'one      x\nseveral  y\n         z\nempty    none\n')
})

t.test('colour is used only when it is wanted', async t => {
  t.equal(paint('red', 'x', piped), 'x')
  t.equal(paint('red', 'x', { ...piped, hasColour: true }), '\u001b[31mx\u001b[39m')
})
