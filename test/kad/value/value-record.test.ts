import t from 'tap'
// The codec of the stock implementation, which its package does not export.
import { Record as StockRecord } from '../../../node_modules/@libp2p/kad-dht/dist/src/message/dht.js'
import { decodeValueRecord, encodeValueRecord } from '../../../src/kad/value/value-record.ts'

const key = Uint8Array.from(Buffer.from('/pk/x'))
const value = Uint8Array.of(1, 2, 3)

t.test('the stock codec reads what we write', async t => {
  const { key: readKey, value: readValue, timeReceived } = StockRecord.decode(encodeValueRecord({ key, value }, Date.UTC(2026, 0, 1)))
  t.strictSame({ key: readKey, value: readValue, timeReceived }, { key, value, timeReceived: '2026-01-01T00:00:00.000Z' })
})

t.test('we read what the stock codec writes, and pass over what we do not know', async t => {
  t.strictSame(decodeValueRecord(StockRecord.encode({ key, value, author: Uint8Array.of(9), signature: Uint8Array.of(9), timeReceived: 'now' })), { key, value })
})

t.test('a record without key or value is none', async t => {
  for (const part of [{ key }, { value }, {}]) t.throws(() => decodeValueRecord(StockRecord.encode(part)), { code: 'BadRequest', reason: 'record' })
})

t.test('an empty value is a value', async t => {
  t.strictSame(decodeValueRecord(encodeValueRecord({ key, value: new Uint8Array(0) }, 0)), { key, value: new Uint8Array(0) })
})
