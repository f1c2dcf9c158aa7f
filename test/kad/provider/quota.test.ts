import t from 'tap'
import { exceededQuota, type QuotaUsage } from '../../../src/kad/provider/quota.ts'

const LIMITS = { records: 100, recordsPerPeer: 10, recordsPerPrefix: 20, recordsPerKey: 5 }
const ROOM: QuotaUsage = { total: 99, ofPeer: 9, ofPrefix: 19, ofKey: 4 }

t.test('one record more may come in while every quota has room for it', async t => {
  t.equal(exceededQuota(ROOM, LIMITS), undefined)
})

t.test('a full quota is named', async t => {
  t.equal(exceededQuota({ ...ROOM, ofPeer: 10 }, LIMITS), 'quota_peer')
  t.equal(exceededQuota({ ...ROOM, ofPrefix: 20 }, LIMITS), 'quota_prefix')
  t.equal(exceededQuota({ ...ROOM, ofKey: 5 }, LIMITS), 'quota_key')
  t.equal(exceededQuota({ ...ROOM, total: 100 }, LIMITS), 'quota_total')
})

t.test('of several full quotas the one nearest to the sender is named', async t => {
  const full = { total: 100, ofPeer: 10, ofPrefix: 20, ofKey: 5 }
  t.equal(exceededQuota(full, LIMITS), 'quota_peer')
  t.equal(exceededQuota({ ...full, ofPeer: 0 }, LIMITS), 'quota_prefix')
  t.equal(exceededQuota({ ...full, ofPeer: 0, ofPrefix: 0 }, LIMITS), 'quota_key')
})

t.test('a sender without prefix has no prefix quota', async t => {
  t.equal(exceededQuota({ ...ROOM, ofPrefix: undefined }, { ...LIMITS, recordsPerPrefix: 0 }), undefined)
})
