import t from 'tap'
import { renderPage } from '../../../../src/http/ops/status/page.ts'
import { quantile, sharesOf, wholeQuantile } from '../../../../src/http/ops/status/quantile.ts'
import { ratesOf, seriesOf } from '../../../../src/http/ops/status/series.ts'
import { formatCount, formatDuration, formatSeconds } from '../../../../src/http/ops/status/text.ts'
import { SAMPLE, SNAPSHOT } from './snapshot.ts'

t.test('the page names every reason for not being ready', async t => {
  const page = renderPage({ ...SNAPSHOT, readiness: { ready: false, reasons: [{ condition: 'bootstrap', reason: 'No bootstrap peer answered.' }, { condition: 'store', reason: 'The disk is full.' }] } }, [])
  t.match(page, '<title>Not ready – svc-dht</title>')
  t.match(page, '<strong>bootstrap</strong> No bootstrap peer answered.')
  t.match(page, '<strong>store</strong> The disk is full.')
})

t.test('a daemon that refuses writes says so though it is ready', async t => {
  const page = renderPage({ ...SNAPSHOT, readiness: { ready: true, degraded: 'the disk is replaced', reasons: [] } }, [])
  t.match(page, 'It can route')
  t.match(page, '<strong>writes are refused</strong> the disk is replaced')
})

t.test('nothing that comes from outside becomes markup', async t => {
  const hostile = '"><script>alert(1)</script>'
  const page = renderPage({ ...SNAPSHOT, protocol: hostile, rejected: [{ reason: hostile, count: 3 }], readiness: { ready: false, reasons: [{ condition: 'store', reason: hostile }] } }, [])
  t.notMatch(page, '<script>alert')
  t.equal([...page.matchAll(/<script/g)].length, 1, 'our own')
})

t.test('every plot says in words what it shows', async t => {
  const samples = [{ ...SAMPLE, records: 10 }, { ...SAMPLE, at: 300_000, records: 12, rejected: 15 }, { ...SAMPLE, at: 600_000, records: 25_000, rejected: 30 }]
  const page = renderPage(SNAPSHOT, samples)
  t.match(page, 'aria-label="Provider records: from 10 to 25\u202f000 within 10 min, 25\u202f000 at most"')
  t.match(page, 'aria-label="Peers in each bucket: 0 bits 20, 1 bit 12"')
  t.match(page, 'aria-label="We stand at 90° of the keyspace; 2 peers of the routing table are drawn."')
  t.match(page, 'aria-label="Requests refused: rate 7, key 2"', 'the largest first, and none without a count')
  t.match(page, 'aria-label="Refused a minute: from 3 to 3 within 5 min')
  t.match(page, 'aria-label="Lookups by milliseconds: 50 2, 100 6, 250 3, 500 1"')
  t.match(page, 'aria-label="Lookups by hops: 1 3, 2 5, 3 3, 4 1"')
  t.match(page, 'aria-label="Nodes by log distance: 256 4, 255 3"')
})

t.test('a daemon that has done nothing yet has a page too', async t => {
  const page = renderPage({ ...SNAPSHOT, buckets: [], rejected: [], peers: [], discv5: undefined, lookups: { count: 0, p50: undefined, p95: undefined, hopsP50: undefined, hopsP99: undefined, seconds: [], hops: [] } }, [])
  t.match(page, 'None yet.')
  t.notMatch(page, /NaN|undefined|Infinity/)
})

t.test('a quantile is what Prometheus would say', async t => {
  const bucket = (le: number | '+Inf', value: number, kind = 'a') => ({ metricName: 'x_bucket', labels: { le, kind }, value })
  t.equal(quantile(0.5, []), undefined)
  t.equal(quantile(0.5, [bucket(1, 0), bucket(2, 10), bucket('+Inf', 10)]), 1.5)
  t.equal(quantile(0.5, [bucket(1, 5), bucket('+Inf', 5), bucket(1, 0, 'b'), bucket(2, 5, 'b'), bucket('+Inf', 5, 'b')]), 1, 'over all label sets')
  t.equal(quantile(0.99, [bucket(1, 1), bucket(2, 1), bucket('+Inf', 10)]), 2, 'beyond the last bound nothing is known')
})

t.test('of whole numbers a quantile is one that occurs: nobody walks half a hop', async t => {
  const hops = (le: number | '+Inf', value: number) => ({ metricName: 'x_bucket', labels: { le }, value })
  const values = [hops(0, 0), hops(1, 2), hops(2, 3), hops('+Inf', 4)]
  t.equal(wholeQuantile(0.5, values), 1)
  t.equal(wholeQuantile(0.75, values), 2)
  t.equal(wholeQuantile(0.99, values), 2, 'beyond the last bound nothing is known')
  t.equal(wholeQuantile(0.5, []), undefined)
  t.strictSame(sharesOf(values), [{ upTo: 0, count: 0 }, { upTo: 1, count: 2 }, { upTo: 2, count: 1 }, { upTo: Number.POSITIVE_INFINITY, count: 1 }])
})

t.test('a plot of an hour has few points, and none of its peaks is lost', async t => {
  const samples = Array.from({ length: 720 }, (_, index) => ({ ...SAMPLE, at: 1e12 + index * 5000, peers: index === 333 ? 99 : 5, lookups: index * 2 }))
  const peers = seriesOf(samples, sample => sample.peers)
  t.ok(peers.length > 50 && peers.length <= 91, `${peers.length}`)
  t.equal(Math.max(...peers.map(({ value }) => value)), 99)
  t.strictSame(new Set(ratesOf(samples, sample => sample.lookups).map(({ value }) => Math.round(value))), new Set([24]), 'two in five seconds')
  t.strictSame(ratesOf(samples.slice(0, 1), sample => sample.lookups), [])
})

t.test('a plot of peers that come reads the same after one more look', async t => {
  const samples = Array.from({ length: 720 }, (_, index) => ({ ...SAMPLE, at: 1e12 + index * 5000, peers: index * index % 97 }))
  const [before, after] = [seriesOf(samples.slice(0, 719), sample => sample.peers), seriesOf(samples.slice(1), sample => sample.peers)]
  t.strictSame(after.slice(1, -1), before.slice(1).slice(0, after.length - 2), 'the points between the ends')
})

t.test('numbers are written for people', async t => {
  t.strictSame([0, 999, 1000, 1_234_567].map(formatCount), ['0', '999', '1\u202f000', '1\u202f234\u202f567'])
  t.strictSame([0, 59_000, 3_661_000, 90_000_000].map(formatDuration), ['0 s', '59 s', '1 h 1 min', '1 d 1 h'])
  t.strictSame([undefined, 0.0123, 2.34].map(formatSeconds), ['–', '12 ms', '2.3 s'])
})
