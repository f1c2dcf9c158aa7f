import { createHash, randomBytes } from 'node:crypto'
import { Client, type Answer } from 'bittorrent-dht'
import HyperDHT, { type Reply } from 'hyperdht'
import Persistent from 'hyperdht/lib/persistent.js'
import type { LoadResult } from '../rpc/load.ts'

/** Asks one server one thing; `index` says which key. */
export interface UdpClient {
  lookup (index: number): Promise<unknown>
  /** Resolves when the server has said that it took it, which is before anybody saw that it did: `isHeld`. */
  announce (index: number): Promise<unknown>
  isHeld (index: number): Promise<boolean>
  close (): Promise<void>
}

const HOST = '127.0.0.1'
const IN_FLIGHT = 16
const LOOKUP = 3
/** hyperdht takes a token for 10 to 20 s; an announcement with an older one is refused before its signature is looked at. Milliseconds. */
const TOKEN_LASTS_MS = 5000

export async function createHyperdhtClient (port: number): Promise<UdpClient> {
  // Its own congestion window would hold back what a server on the same machine can answer.
  const client = new HyperDHT({ bootstrap: [], host: HOST, ephemeral: true, firewalled: false, maxWindow: 1_000_000 })
  await client.fullyBootstrapped()
  const keyPair = HyperDHT.keyPair()
  const target = (index: number): Buffer => createHash('sha256').update(`key ${index}`).digest()
  const lookup = async (index: number): Promise<Reply> => await client.request({ command: LOOKUP, target: target(index) }, { host: HOST, port })
  let { token, from } = await lookup(0)
  let tokenAt = performance.now()
  return {
    lookup,
    announce: async index => {
      if (performance.now() - tokenAt > TOKEN_LASTS_MS) {
        tokenAt = performance.now() // the others in flight need not ask as well
        ;({ token, from } = await lookup(0))
      }
      const { error } = await client._requestAnnounce(keyPair, client, target(index), token, from, [], Persistent.signAnnounce, 0)
      if (error !== 0) throw new Error(`refused with error ${error}`)
    },
    isHeld: async index => (await lookup(index)).value !== null,
    close: async () => await client.destroy(),
  }
}

export async function createBittorrentClient (port: number): Promise<UdpClient> {
  const client = new Client({ bootstrap: false, host: HOST, concurrency: IN_FLIGHT })
  await new Promise<void>(resolve => client.listen(0, HOST, () => resolve()))
  const infoHash = (index: number): Buffer => createHash('sha1').update(`key ${index}`).digest()
  const query = async (q: string, a: object): Promise<Answer['r']> => await new Promise((resolve, reject) => {
    client._rpc.query({ host: HOST, port }, { q, a: { id: client.nodeId, ...a } }, (err, answer) => {
      if (err === null) resolve(answer.r)
      else reject(err)
    })
  })
  const { token } = await query('get_peers', { info_hash: randomBytes(20) })
  return {
    lookup: async index => await query('get_peers', { info_hash: infoHash(index) }),
    announce: async index => await query('announce_peer', { info_hash: infoHash(index), port: 4001, token }), // good for five minutes or more
    isHeld: async index => (await query('get_peers', { info_hash: infoHash(index) })).values !== undefined,
    close: async () => client.destroy(),
  }
}

/** Requests in flight all the time for `durationMs`, each for another key. */
export async function runUdpLoad (ask: (index: number) => Promise<unknown>, durationMs: number): Promise<LoadResult> {
  const latenciesMs: number[] = []
  const startedAt = performance.now()
  let [sent, failed] = [0, 0]
  await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    while (performance.now() < startedAt + durationMs) {
      const begun = performance.now()
      const isAnswered = await ask(sent++).then(() => true, () => false) // a datagram may be lost; the client gives up on it after 2 s
      if (isAnswered) latenciesMs.push(performance.now() - begun)
      else failed++
    }
  }))
  if (failed > sent / 100) throw new Error(`${failed} of ${sent} requests failed`)
  return { requests: latenciesMs.length, seconds: (performance.now() - startedAt) / 1000, latenciesMs }
}
