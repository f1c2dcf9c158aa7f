import t from 'tap'
import { addPublicApi } from '../../../src/http/public/public-api.ts'
import { openapi } from '../../../src/http/public/openapi.ts'
import { createServer } from '../../../src/http/server.ts'
import { createLogger } from '../../../src/observability/logger.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { cid, key, peer, peerId } from '../../lookup/support/peers.ts'
import { toName } from '../../lookup/support/planes.ts'
import { startPublicServer } from '../support/public-server.ts'

type Description = { readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: object }>>>> }

const described = openapi({ ipnsPut: true, ethereumIdentity: true }) as unknown as Description

t.test('the description has exactly the routes that the server has', async t => {
  const app = createServer({ service: 'public', inFlight: 1 }, { metrics: createMetrics().http, log: createLogger({ level: 'silent' }), now: Date.now })
  const served: string[] = []
  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) served.push(`${each} ${url.replaceAll(/:(\w+)/g, '{$1}').replace('/*', '/{tile}')}`)
  })
  const unused = undefined as never
  addPublicApi(app, { jsonRecords: 1, ndjsonRecords: 1, closestPeers: 1, requestsPerPrefixPerSecond: 1, ipnsPut: true, ethereumIdentity: true, recordTtlMs: 1 }, { lookup: unused, values: unused, audit: unused, admission: { admit: () => {} }, now: Date.now })
  await app.ready()
  t.teardown(() => app.close())
  const documented = Object.entries(described.paths).flatMap(([path, methods]) => Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`))
  // HEAD comes with every GET, and OPTIONS is the preflight of any path.
  t.strictSame(served.filter(route => !/^(HEAD|OPTIONS) /.test(route)).sort(), documented.sort())
})

t.test('the server answers with the statuses and content types of its description', async t => {
  const { url, plane } = await startPublicServer(t, { ethereumIdentity: true, node: { peerId: 'x', record: () => ({ nodeId: 'ab'.repeat(32), seq: 1n, text: 'enr:x' }), multiaddrs: () => [], listening: () => [] } })
  plane.scripts.set(toName(key('k')), { held: [peer('a')] })
  const ipns = 'application/vnd.ipfs.ipns-record'
  const byPath: ReadonlyArray<readonly [string, readonly string[]]> = [
    ['/routing/v1/providers/{cid}', [cid('k'), 'bad']],
    ['/routing/v1/peers/{id}', [peerId('a'), cid('k')]],
    ['/routing/v1/dht/closest/peers/{key}', [cid('k'), 'bad']],
    ['/routing/v1/ipns/{name}', [peerId('a'), 'bad']],
    ['/audit/checkpoint', ['']],
    ['/audit/tile/{tile}', ['0/000', 'x']],
    ['/v1/discv5/enr', ['']],
    ['/eth/v1/node/identity', ['']],
    ['/', ['']],
    ['/openapi.json', ['']],
  ]
  t.strictSame(byPath.map(([pattern]) => pattern).sort(), Object.keys(described.paths).sort(), 'every path is tried')
  for (const [pattern, values] of byPath) {
    for (const [method, { responses }] of Object.entries(described.paths[pattern] ?? {})) {
      for (const value of values) {
        for (const type of ['application/json', 'application/x-ndjson', 'text/html', ipns]) {
          const path = pattern.replace(/\{\w+\}/, value)
          const init = method !== 'get' ? { method: method.toUpperCase(), headers: { 'content-type': type }, body: 'x' } : { headers: { accept: type } }
          const response = await fetch(url + path, init)
          await response.arrayBuffer()
          const documented = (responses as Record<number, { content?: object }>)[response.status]
          t.ok(documented, `${method} ${path} → ${response.status}`)
          const mediaType = response.headers.get('content-type')?.split(';')[0]
          if (documented?.content !== undefined && mediaType !== undefined) t.ok(mediaType in documented.content, `${method} ${path} → ${mediaType}`)
        }
      }
    }
  }
})

t.test('the description is served, and every reference in it leads somewhere', async t => {
  const { url } = await startPublicServer(t)
  const text = await (await fetch(`${url}/openapi.json`)).text()
  const served = JSON.parse(text)
  t.equal(served.openapi, '3.1.0')
  const references = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name = '']) => name)
  t.ok(references.length > 0)
  for (const name of references) t.ok(served.components.schemas[name], name)
})
