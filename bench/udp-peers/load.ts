import { createHash, randomBytes } from 'node:crypto'
import { Client } from 'bittorrent-dht'
import HyperDHT from 'hyperdht'
import Persistent from 'hyperdht/lib/persistent.js'
import type { LoadResult } from '../rpc/load.ts'

/** Asks one server one thing; `index` says which key. */
export interface UdpClient {
  lookup (index: number): Promise<unknown>
  announce (index: number): Promise<unknown>
  close (): Promise<void>
}

const HOST = '127.0.0.1'
const IN_FLIGHT = 16
const LOOKUP = 3

export async function createHyperdhtClient (port: number): Promise<UdpClient> {
  // Its own congestion window would hold back what a server on the same machine can answer.
  const client = new HyperDHT({ bootstrap: [], host: HOST, ephemeral: true, firewalled: false, maxWindow: 1_000_000 })
  await client.fullyBootstrapped()
  const keyPair = HyperDHT.keyPair()
  const target = (index: number): Buffer => createHash('sha256').update(`key ${index}`).digest()
  const { token, from } = await client.request({ command: LOOKUP, target: target(0) }, { host: HOST, port })
  return {
    lookup: async index => await client.request({ command: LOOKUP, target: target(index) }, { host: HOST, port }),
    announce: async index => await client._requestAnnounce(keyPair, client, target(index), token, from, [], Persistent.signAnnounce, 0),
    close: async () => await client.destroy(),
  }
}

export async function createBittorrentClient (port: number): Promise<UdpClient> {
  const client = new Client({ bootstrap: false, host: HOST, concurrency: IN_FLIGHT })
  await new Promise<void>(resolve => client.listen(0, HOST, () => resolve()))
  const infoHash = (index: number): Buffer => createHash('sha1').update(`key ${index}`).digest()
  const query = async (q: string, a: object): Promise<Uint8Array> => await new Promise((resolve, reject) => {
    client._rpc.query({ host: HOST, port }, { q, a: { id: client.nodeId, ...a } }, (err, answer) => {
      if (err === null) resolve(answer.r.token)
      else reject(err)
    })
  })
  const token = await query('get_peers', { info_hash: randomBytes(20) })
  return {
    lookup: async index => await query('get_peers', { info_hash: infoHash(index) }),
    announce: async index => await query('announce_peer', { info_hash: infoHash(index), port: 4001, token }),
    close: async () => client.destroy(),
  }
}

/** Requests in flight all the time for `durationMs`, each for another key. */
export async function runUdpLoad (ask: (index: number) => Promise<unknown>, durationMs: number): Promise<LoadResult> {
  const latenciesMs: number[] = []
  const startedAt = performance.now()
  let sent = 0
  await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    while (performance.now() < startedAt + durationMs) {
      const begun = performance.now()
      const isAnswered = await ask(sent++).then(() => true, () => false) // a datagram may be lost; the client gives up on it after 2 s
      if (isAnswered) latenciesMs.push(performance.now() - begun)
    }
  }))
  return { requests: latenciesMs.length, seconds: (performance.now() - startedAt) / 1000, latenciesMs }
}
