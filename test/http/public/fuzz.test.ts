import fc from 'fast-check'
import { base58btc } from 'multiformats/bases/base58'
import t from 'tap'
import { negotiateList } from '../../../src/http/public/accept.ts'
import { cid, key, peer, peerId } from '../../lookup/support/peers.ts'
import { toName } from '../../lookup/support/planes.ts'
import { getRaw } from '../support/raw.ts'
import { startPublicServer } from '../support/public-server.ts'

const RUNS = { numRuns: 300 }

/** Text that nearly is what the API takes, and text that is nothing. */
const nearly = (...texts: readonly string[]) => fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.tuple(fc.constantFrom(...texts), fc.nat({ max: 80 }), fc.string({ maxLength: 3 }))
    .map(([text, at, insert]) => text.slice(0, at) + insert + text.slice(at)),
  fc.uint8Array({ maxLength: 100 }).map(bytes => base58btc.encode(bytes)),
  fc.uint8Array({ maxLength: 100 }).map(bytes => Buffer.from(bytes).toString('hex')).map(hex => `f${hex}`),
)

const route = fc.constantFrom('providers', 'peers', 'ipns', 'dht/closest/peers')
const accept = fc.constantFrom('application/json', 'application/x-ndjson', 'application/vnd.ipfs.ipns-record', '*/*')

t.test('no path, filter or Accept makes the server fail, and every request is answered', async t => {
  const { url, plane } = await startPublicServer(t)
  plane.scripts.set(toName(key('k')), { held: [peer('a'), peer('b', [])] })
  const ask = async (path: string, headers: Record<string, string>) => {
    const { status, complete } = await getRaw(url + path, { headers, signal: AbortSignal.timeout(5000) })
    return status < 500 && complete
  }
  await fc.assert(fc.asyncProperty(route, nearly(cid('k'), peerId('a'), `b3:${'0'.repeat(64)}`), accept, (name, text, type) =>
    ask(`/routing/v1/${name}/${encodeURIComponent(text.toWellFormed())}`, { accept: type })), RUNS)
  await fc.assert(fc.asyncProperty(route, fc.stringMatching(/^[!-~]*$/), (name, text) =>
    ask(`/routing/v1/${name}/${text}`, {})), RUNS)
  await fc.assert(fc.asyncProperty(nearly('tcp,!ip6,unknown', ',,,!!'), nearly('unknown,transport-bitswap'), accept, (addrs, protocols, type) =>
    ask(`/routing/v1/providers/${cid('k')}?filter-addrs=${encodeURIComponent(addrs.toWellFormed())}&filter-protocols=${encodeURIComponent(protocols.toWellFormed())}`, { accept: type })), RUNS)
  await fc.assert(fc.asyncProperty(fc.stringMatching(/^[ -~]*$/), text =>
    ask(`/routing/v1/providers/${cid('k')}`, { accept: text })), RUNS)
})

t.test('an Accept header is either answered with a type that it allows, or refused', async t => {
  const range = fc.tuple(fc.constantFrom('application/json', 'application/x-ndjson', 'application/*', '*/*', 'text/html'), fc.constantFrom('', ';q=0', ';q=0.3', ';q=1', '; q=0.9', ';q=2'))
  fc.assert(fc.property(fc.array(range, { minLength: 1, maxLength: 5 }), ranges => {
    const header = ranges.map(([type, quality]) => type + quality).join(', ')
    const named = ranges.filter(([, quality]) => !/q=0$|q=2/.test(quality)).map(([type]) => type)
    try {
      const type = negotiateList(header)
      return type === 'application/x-ndjson' ? named.includes(type) : named.some(name => [type, 'application/*', '*/*'].includes(name))
    } catch (err) {
      t.match(err, { status: 406 })
      return true
    }
  }))
})
