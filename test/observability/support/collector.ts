import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** A span as OTLP/JSON has it, its attributes by name. */
export interface SentSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly kind: number
  readonly attributes: Readonly<Record<string, unknown>>
  readonly links: readonly string[]
  readonly failed: boolean
  readonly service: unknown
}

interface OtlpAttribute { readonly key: string, readonly value: Readonly<Record<string, unknown>> }
interface OtlpSpan extends Omit<SentSpan, 'attributes' | 'links' | 'failed' | 'service'> {
  readonly attributes: readonly OtlpAttribute[]
  readonly links?: ReadonlyArray<{ readonly spanId: string }>
  readonly status: { readonly code?: number }
}
interface OtlpRequest {
  readonly resourceSpans: ReadonlyArray<{ readonly resource: { readonly attributes: readonly OtlpAttribute[] }, readonly scopeSpans: ReadonlyArray<{ readonly spans: readonly OtlpSpan[] }> }>
}

export interface Collector {
  readonly endpoint: string
  readonly spans: readonly SentSpan[]
  /** Requests as they came, whole. */
  readonly bodies: readonly string[]
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** Takes every span, unless it is told to answer otherwise. */
const takeAll: Answer = (_request, response) => { response.writeHead(200, { 'content-type': 'application/json' }).end('{}') }

/** The receiving side of OTLP/HTTP (opentelemetry-proto, JSON encoding), by hand: what it reads is what went over the wire. */
export async function startCollector (t: Test, answer: Answer = takeAll): Promise<Collector> {
  const spans: SentSpan[] = []
  const bodies: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => { body += chunk }).on('end', () => {
      if (request.url !== '/v1/traces' || request.method !== 'POST' || request.headers['content-type'] !== 'application/json') {
        response.writeHead(400).end()
        return
      }
      bodies.push(body)
      spans.push(...spansOf(JSON.parse(body) as OtlpRequest))
      answer(request, response)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`, spans, bodies }
}

function spansOf ({ resourceSpans }: OtlpRequest): SentSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(span => ({
    ...span,
    attributes: toObject(span.attributes),
    links: (span.links ?? []).map(({ spanId }) => spanId),
    failed: span.status.code === 2,
    service: toObject(resource.attributes)['service.name'],
  }))))
}

function toObject (attributes: readonly OtlpAttribute[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}
