import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'

/** What a run can tell the suite about the server. Rules whose fixture is missing are reported as not applicable. */
export interface Fixtures {
  /** A CID that has providers, at least one of them with addresses. */
  readonly cid?: string
  /** Peer ID (base58btc) of a peer whose addresses the server can find. */
  readonly peerId?: string
  /** A CID with more providers than one JSON answer holds. */
  readonly popularCid?: string
  /** The suite may publish a record of a new name. */
  readonly canPublish?: true
  /** A CID with one held provider, whose walk finds another only after `release`. */
  readonly growing?: { readonly cid: string, release (): void }
  /** A CID whose walk fails with nothing found. */
  readonly failingCid?: string
  /** A CID whose walk fails after a provider was found. */
  readonly breakingCid?: string
  /** URL of a providers request whose walk is cut by the deadline after a provider was found. */
  readonly slowUrl?: string
  /** A base URL whose rate limit is used up. */
  readonly exhaustedUrl?: string
}

export interface Subject {
  /** Without a slash at its end. */
  readonly url: string
  readonly fixtures: Fixtures
}

export interface Rule {
  /** Section of the rules document that this rule comes from. */
  readonly section: string
  /** `ours` goes beyond the specification: what an honest answer needs and the text does not have. */
  readonly level: 'must' | 'should' | 'ours'
  readonly title: string
  readonly needs?: keyof Fixtures
  /** @throws {AssertionError} when the server breaks the rule */
  check (subject: Subject): Promise<void>
}

export interface Peer {
  readonly Schema: string
  readonly ID: string
  readonly Addrs: readonly string[]
  readonly Protocols: readonly string[]
}

export const JSON_TYPE = 'application/json'
export const NDJSON_TYPE = 'application/x-ndjson'
export const IPNS_TYPE = 'application/vnd.ipfs.ipns-record'

/** A key that nobody can have provided. */
export function randomCid (): string {
  return CID.createV1(0x55, Digest.create(0x12, randomBytes(32))).toString()
}

export function get ({ url }: Subject, path: string, accept?: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url + path, { headers: { ...(accept === undefined ? {} : { accept }), ...headers } })
}

export async function listOf (response: Response): Promise<readonly Peer[]> {
  assert.equal(response.status, 200)
  const body = await response.json() as { Providers?: unknown, Peers?: unknown }
  const list = body.Providers ?? body.Peers
  assert.ok(Array.isArray(list), 'the list is an array, also when it is empty')
  return list
}

export async function linesOf (response: Response): Promise<readonly Peer[]> {
  assert.equal(response.status, 200)
  assert.equal(mediaType(response), NDJSON_TYPE)
  return (await response.text()).split('\n').filter(line => line !== '').map(line => JSON.parse(line))
}

export async function assertStatus (expected: number, response: Response): Promise<void> {
  const body = await response.text()
  assert.equal(response.status, expected, `${response.url} answered ${response.status} ${body.slice(0, 200)}`)
}

export function mediaType (response: Response): string | undefined {
  return response.headers.get('content-type')?.split(';')[0]
}

export function maxAge (response: Response): number {
  const seconds = /max-age=(\d+)/.exec(response.headers.get('cache-control') ?? '')?.[1]
  assert.ok(seconds, 'Cache-Control has a max-age')
  return Number(seconds)
}

export function assertPeer (peer: Peer): void {
  assert.equal(peer.Schema, 'peer')
  assert.match(peer.ID, /^(?:Qm|1|k|b)[a-zA-Z0-9]+$/)
  for (const address of peer.Addrs ?? []) assert.match(address, /^\//)
  for (const protocol of peer.Protocols ?? []) assert.equal(typeof protocol, 'string')
}
