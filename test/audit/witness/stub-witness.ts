import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CheckpointError, parseCheckpoint, verifySignatures, type Checkpoint } from '../../../src/audit/format/checkpoint.ts'
import { formatVerifierKey, type VerifierKey } from '../../../src/audit/format/note.ts'
import { emptyRoot, equal, isConsistent } from '../../../src/audit/format/tree.ts'
import { createWitnessKey, type WitnessKey } from './keys.ts'

/** What a witness remembers of a log; kept by the test, so that a witness can be started anew with it, or with an older one. */
export interface View { readonly size: number, readonly root: Uint8Array }

export interface Reply { readonly status: number, readonly body: string | Uint8Array, readonly headers?: Readonly<Record<string, string>> }

interface StubOptions {
  readonly name?: string
  /** Of the logs that it knows, by origin. */
  readonly logs: ReadonlyMap<string, readonly VerifierKey[]>
  readonly keys?: readonly WitnessKey[]
  readonly views?: Map<string, View>
  /** Takes the place of the answer that the protocol asks for; undefined for none ever. */
  readonly lie?: (reply: Reply, checkpoint: Checkpoint | undefined) => Reply | undefined
  readonly nowMs?: () => number
}

export interface StubWitness extends AsyncDisposable {
  readonly url: string
  readonly keys: readonly WitnessKey[]
  readonly views: Map<string, View>
  /** Every request as it came, and the status it was answered with. */
  readonly seen: Array<{ readonly old: number, readonly size: number | undefined, readonly status: number, readonly body: string }>
  /** A line of a policy file. */
  policyLines (label: string): string
  /** Resolves when it was asked as often. */
  asked (times: number): Promise<void>
}

/** A witness as c2sp.org/tlog-witness says, add-checkpoint only: it cosigns nothing that does not follow from what it saw. */
export async function startWitness (t: { teardown (fn: () => unknown): unknown }, options: StubOptions): Promise<StubWitness> {
  const { name = 'witness.example', logs, keys = [createWitnessKey(name)], views = new Map<string, View>(), lie = (reply: Reply) => reply, nowMs = () => 1_800_000_000_000 } = options
  const seen: Array<StubWitness['seen'][number]> = []
  let waiting: Array<{ readonly times: number, resolve (): void }> = []
  const server = createServer((request, response) => {
    void (async () => {
      const body = await readAll(request)
      const checkpoint = tryParse(body)
      const honest = request.method === 'POST' && request.url === '/sub/add-checkpoint' ? judge(body, { logs, views, keys, nowMs }) : { status: 404, body: '' }
      const reply = lie(honest, checkpoint)
      seen.push({ old: Number(/^old (\d+)/.exec(body)?.[1] ?? Number.NaN), size: checkpoint?.size, status: reply?.status ?? 0, body })
      for (const each of waiting.filter(({ times }) => seen.length >= times)) each.resolve()
      waiting = waiting.filter(({ times }) => seen.length < times)
      if (reply !== undefined) send(response, reply)
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  t.teardown(close)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sub`
  return {
    url,
    keys,
    views,
    seen,
    policyLines: label => keys.map((key, at) => `witness ${label}${at === 0 ? '' : at} ${formatVerifierKey(key)} ${url}/\n`).join(''),
    asked: async times => {
      if (seen.length < times) await new Promise<void>(resolve => waiting.push({ times, resolve }))
    },
    [Symbol.asyncDispose]: close,
  }
}

/** The answer to a request, and the witness's new view. What is checked comes in the order of the specification. */
function judge (body: string, { logs, views, keys, nowMs }: Required<Pick<StubOptions, 'logs' | 'views' | 'keys' | 'nowMs'>>): Reply {
  const end = body.indexOf('\n\n')
  const [first = '', ...lines] = body.slice(0, end).split('\n')
  const [, oldText] = /^old (0|[1-9]\d*)$/.exec(first) ?? []
  const proof = lines.map(line => Buffer.from(line, 'base64'))
  const checkpoint = tryParse(body)
  if (end < 0 || oldText === undefined || checkpoint === undefined || proof.length > 63 || !proof.every(({ byteLength }) => byteLength === 32)) return { status: 400, body: '' }
  const old = Number(oldText)
  const known = logs.get(checkpoint.origin)
  if (known === undefined) return { status: 404, body: '' }
  try {
    if (verifySignatures(checkpoint, checkpoint.signatures, known).length === 0) return { status: 403, body: '' }
  } catch (err) {
    if (err instanceof CheckpointError) return { status: 403, body: '' }
    throw err
  }
  if (old > checkpoint.size) return { status: 400, body: '' }
  const view = views.get(checkpoint.origin) ?? { size: 0, root: emptyRoot() }
  if (old !== view.size) return { status: 409, body: `${view.size}\n`, headers: { 'content-type': 'text/x.tlog.size' } }
  if (checkpoint.size === 0 && !equal(checkpoint.root, emptyRoot())) return { status: 422, body: '' }
  if (!isConsistent(old, view.root, checkpoint.size, checkpoint.root, proof)) return { status: 422, body: '' }
  views.set(checkpoint.origin, { size: checkpoint.size, root: checkpoint.root })
  return { status: 200, body: keys.map(key => key.cosign(checkpoint, Math.floor(nowMs() / 1000))).join('') }
}

function tryParse (body: string): Checkpoint | undefined {
  try {
    return parseCheckpoint(Buffer.from(body.slice(body.indexOf('\n\n') + 2)))
  } catch {
    return undefined // it is answered with 400
  }
}

async function readAll (request: IncomingMessage): Promise<string> {
  const chunks = await request.toArray() as Buffer[]
  return Buffer.concat(chunks).toString('utf8')
}

function send (response: ServerResponse, { status, body, headers = {} }: Reply): void {
  response.writeHead(status, headers)
  response.end(body)
}
