import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { tempFolder } from './logs.ts'

/** More of them: SVC_TEST_KILLS=1000 npx tap run --timeout=3600 … */
const KILLS = Number(process.env['SVC_TEST_KILLS'] ?? 25)
/** Some groups of entries, and some checkpoints. */
const LONGEST_LIFE_MS = 60

interface Message { readonly refusal?: string, readonly size?: number, readonly acknowledged?: number }
interface Life { readonly refusal: string | undefined, readonly size: number, readonly acknowledged: number }

t.setTimeout(60_000 + KILLS * 2000)

t.test(`killed ${KILLS} times while it appends, the log has every entry that was acknowledged, and raises no false alarm`, async t => {
  const folder = tempFolder(t)
  let acknowledged = -1
  let total = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const life = await liveAndDie(folder)
    t.equal(life.refusal, undefined, `start ${kill} takes entries`)
    t.ok(life.size > acknowledged, `start ${kill} has entry ${acknowledged}: ${life.size} entries`)
    total += Math.max(0, life.acknowledged - acknowledged)
    acknowledged = Math.max(acknowledged, life.acknowledged)
  }
  t.ok(total > KILLS, `${total} entries were acknowledged between the kills`)
})

/** One process on the folder, killed at a random moment after it has started. */
async function liveAndDie (folder: string): Promise<Life> {
  const child = fork(new URL('./crash-writer.ts', import.meta.url), [folder], { execArgv: [] })
  const exited = once(child, 'exit')
  const [{ refusal, size = 0 }] = await Promise.race([once(child, 'message'), exited.then(([code]) => { throw new Error(`the writer ended by itself, with ${String(code)}`) })]) as [Message]
  let acknowledged = -1
  child.on('message', (message: Message) => { acknowledged = Math.max(acknowledged, message.acknowledged ?? -1) })
  await sleep(Math.random() * LONGEST_LIFE_MS)
  child.kill('SIGKILL')
  await exited.catch(() => {})
  return { refusal, size, acknowledged }
}
