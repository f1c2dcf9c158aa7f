import { setTimeout as sleep } from 'node:timers/promises'
import { startBenchKad } from '../surroundings.ts'

/** A second peer, which makes an overlay of two with the server at this address and announces the key there. */
export async function startProvider (address: string, key: Uint8Array): Promise<AsyncDisposable> {
  const kad = await startBenchKad({ 'kad.bootstrap': address })
  while (!kad.checks.every(check => check.reason() === undefined)) await sleep(50)
  const { reached } = await kad.announcer.announce(key, { signal: AbortSignal.timeout(10_000) })
  if (reached !== 1) throw new Error(`the announcement reached ${reached} servers`)
  return kad.running
}
