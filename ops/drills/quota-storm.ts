import { setTimeout as sleep } from 'node:timers/promises'
import { startReady } from './daemon-process.ts'
import type { Drill } from './drill.ts'

const LIMIT_PER_SECOND = 50
const RESERVE_SECONDS = 4
const STORM = 2000
const IN_FLIGHT = 64

/** Far more requests than the quota: the rest is refused with a time to come back at, and the quota is whole afterwards. */
export const quotaStorm: Drill = async (notes, stack) => {
  const daemon = await startReady(stack, { 'public.requestsPerPrefixPerSecond': String(LIMIT_PER_SECOND) })
  const url = `${daemon.started.public}/routing/v1/providers/b3:${'00'.repeat(32)}`
  const rssBefore = daemon.rssBytes()
  const startedAt = performance.now()
  const answers = await storm(url)
  const seconds = (performance.now() - startedAt) / 1000

  const served = answers.filter(({ status }) => status === 200).length
  const refused = answers.filter(({ status }) => status === 429)
  const allowed = LIMIT_PER_SECOND * (RESERVE_SECONDS + seconds + 1)
  notes.figure('requests/s offered', STORM / seconds)
  notes.figure('served', served)
  notes.figure('refused', refused.length)
  notes.expect('every request is served or refused with 429', served + refused.length === STORM, answers.map(({ status }) => status).filter(status => status !== 200 && status !== 429))
  notes.expect('no more are served than the quota allows', served <= allowed, { served, allowed })
  notes.expect('and no fewer: the reserve at least', served >= LIMIT_PER_SECOND * RESERVE_SECONDS, served)
  notes.expect('every refusal says when to come back', refused.every(({ retryAfter }) => Number(retryAfter) >= 1), refused.find(({ retryAfter }) => !(Number(retryAfter) >= 1)))
  const counted = await daemon.metric('rejected_total{reason="http_rate"}')
  notes.expect('every refusal is counted', counted === refused.length, counted)
  notes.expect('the operator’s pages are not refused', await daemon.ready(), 'not ready')
  notes.figure('memory grown MiB', (daemon.rssBytes() - rssBefore) / 2 ** 20)

  await sleep(1000 * Math.max(...refused.map(({ retryAfter }) => Number(retryAfter))))
  const { status } = await fetch(url)
  notes.expect('who comes back as told is served', status === 200, status)
}

interface Answer { readonly status: number, readonly retryAfter: string | null }

/** So many at once that each connection waits for its answer, and the next request goes out with it. */
async function storm (url: string): Promise<Answer[]> {
  const answers: Answer[] = []
  let sent = 0
  await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    while (sent < STORM) {
      sent++
      const response = await fetch(url)
      await response.arrayBuffer()
      answers.push({ status: response.status, retryAfter: response.headers.get('retry-after') })
    }
  }))
  return answers
}
