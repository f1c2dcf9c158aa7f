import { ROOT_CONTEXT, SpanKind as Kind, SpanStatusCode, trace, TraceFlags, type Context, type Span as SdkSpan, type Tracer as SdkTracer } from '@opentelemetry/api'
import { parseTraceParent } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { AlwaysOnSampler, RandomIdGenerator, TracerProvider } from '@opentelemetry/sdk-trace'
import type { Component } from '../core/component.ts'
import type { Span, SpanAttributes, SpanKind, Tracer } from '../core/span.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'
import { SpanQueue, type SpanQueueOptions } from './span-queue.ts'

// Only compose imports this file, and only when a collector is set: without one its SDK is not loaded.

interface Options extends SpanQueueOptions {
  /** Where the collector takes traces. */
  readonly endpoint: string
  /** One in so many of the traces that begin here is taken. */
  readonly oneIn: number
  readonly version: string
  /** Tells daemons apart: the peer ID. */
  readonly instance: string
}

interface Deps {
  readonly metrics: Metrics['tracing']
  readonly log: Logger
  /** From 0 to 1, 1 excluded. */
  readonly random?: () => number
}

/** More attributes than any span has, longer than any value is: a fault of ours, not a way to fill the memory. */
const SPAN_LIMITS = { attributeCountLimit: 32, attributeValueLengthLimit: 256, linkCountLimit: 4, eventCountLimit: 0 }

/** Of batches on their way: the queue sends one at a time. */
const CONCURRENT_EXPORTS = 1

/** Spans to a collector, as OpenTelemetry has them: OTLP over HTTP. */
export class Tracing implements Tracer, Component {
  readonly #oneIn: number
  readonly #random: () => number
  readonly #queue: SpanQueue
  readonly #tracer: SdkTracer

  constructor ({ endpoint, oneIn, version, instance, ...options }: Options, { metrics, log, random = Math.random }: Deps) {
    this.#oneIn = oneIn
    this.#random = random
    const exporter = new OTLPTraceExporter({ url: endpoint, timeoutMillis: options.timeoutMs, concurrencyLimit: CONCURRENT_EXPORTS })
    this.#queue = new SpanQueue(options, { exporter, metrics, log })
    const provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'svc-dht', 'service.version': version, 'service.instance.id': instance }),
      sampler: new AlwaysOnSampler(), // what is not taken never gets this far
      spanLimits: SPAN_LIMITS,
      idGenerator: new RandomIdGenerator(),
      spanProcessors: [this.#queue],
    })
    this.#tracer = provider.getTracer('svc-dht', version)
  }

  begin (name: string, { attributes, traceparent }: Parameters<Tracer['begin']>[1]): Span | undefined {
    const parent = traceparent === undefined ? null : parseTraceParent(traceparent)
    // Who sends a context has decided; it would miss our part of the trace, or not know what to do with it.
    const isTaken = parent === null ? this.#random() * this.#oneIn < 1 : (parent.traceFlags & TraceFlags.SAMPLED) !== 0
    if (!isTaken) return undefined
    const context = parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true })
    return startSpan(this.#tracer, name, attributes, 'server', context)
  }

  async start (): Promise<void> {
    this.#queue.start()
  }

  async stop (): Promise<void> {
    await this.#queue.shutdown()
  }
}

const KINDS = { server: Kind.SERVER, client: Kind.CLIENT, internal: Kind.INTERNAL } satisfies Record<SpanKind, Kind>

function startSpan (tracer: SdkTracer, name: string, attributes: SpanAttributes, kind: SpanKind, context: Context): Span {
  return new TakenSpan(tracer, tracer.startSpan(name, { kind: KINDS[kind], attributes: { ...attributes } }, context))
}

class TakenSpan implements Span {
  readonly #tracer: SdkTracer
  readonly #span: SdkSpan
  readonly traceId: string

  constructor (tracer: SdkTracer, span: SdkSpan) {
    this.#tracer = tracer
    this.#span = span
    this.traceId = span.spanContext().traceId
  }

  child (name: string, attributes: SpanAttributes = {}, kind: SpanKind = 'internal'): Span {
    return startSpan(this.#tracer, name, attributes, kind, trace.setSpan(ROOT_CONTEXT, this.#span))
  }

  set (attributes: SpanAttributes): void {
    if (this.#span.isRecording()) this.#span.setAttributes({ ...attributes })
  }

  link (other: Span): void {
    if (other instanceof TakenSpan && this.#span.isRecording()) this.#span.addLink({ context: other.#span.spanContext() })
  }

  end (failure?: string): void {
    if (!this.#span.isRecording()) return
    if (failure !== undefined) this.#span.setAttribute('error.type', failure).setStatus({ code: SpanStatusCode.ERROR })
    this.#span.end()
  }
}
