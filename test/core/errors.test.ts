import t from 'tap'
import { DhtError, isRetryable, type ErrorCode } from '../../src/core/errors.ts'

t.test('an error carries what each surface needs of it', async t => {
  const cause = new Error('disk')
  const err = new DhtError('Backpressure', 'Too many.', { hint: 'Wait.', retryAfterMs: 5, reason: 'rate', cause })
  t.match(err, { name: 'DhtError', code: 'Backpressure', message: 'Too many.', hint: 'Wait.', retryAfterMs: 5, reason: 'rate', cause })
  t.ok(err instanceof Error)
  t.strictSame(Object.entries(new DhtError('NotFound', 'Nothing.')).filter(([, value]) => value !== undefined), [['name', 'DhtError'], ['code', 'NotFound']])
})

t.test('only failures of the state, not of the request, are worth repeating', async t => {
  const retryable: ErrorCode[] = ['Backpressure', 'StoreUnavailable', 'NotReady', 'Timeout', 'DegradedAudit']
  const final: ErrorCode[] = [
    'BadRequest', 'NoCapability', 'NotFound', 'Conflict', 'TooLarge', 'Unsupported', 'AttestationMissing', 'PqRequired', 'QuorumNotMet', 'ExportForbidden', 'Internal',
  ]
  t.strictSame(retryable.filter(isRetryable), retryable)
  t.strictSame(final.filter(isRetryable), [])
})
