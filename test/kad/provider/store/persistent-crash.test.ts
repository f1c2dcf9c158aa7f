import { fork } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Announcement } from '../../../../src/kad/provider/record.ts'
import { JournalError } from '../../../../src/kad/provider/store/journal/journal.ts'
import { MemoryProviderStore } from '../../../../src/kad/provider/store/memory.ts'
import { lastRound, playRound } from './crash-rounds.ts'
import { inlineJournal, tempFile } from './persistent-stores.ts'

/** More of them: SVC_TEST_KILLS=1000 npx tap run --timeout=3600 … */
const KILLS = Number(process.env['SVC_TEST_KILLS'] ?? 30)
/** Longer than a round takes, so that a kill may come at any point of one; and than a start, for a kill while the file is opened. */
const LONGEST_WORK_MS = 60
const LONGEST_START_MS = 600

t.setTimeout(120_000 + KILLS * 4000)

t.test(`killed at ${KILLS} random moments, the store loses nothing that was on disk, doubles nothing, and calls nothing damaged`, async t => {
  const file = tempFile(t)
  const expected = new MemoryProviderStore()
  for (let kill = 0; kill < KILLS; kill++) {
    const saved = Math.max(lastRound(expected), await runAndKill(file, kill % 3 === 2))
    while (lastRound(expected) < saved) playRound(expected, lastRound(expected) + 1)
    const records = await readAll(file)
    const found = new MemoryProviderStore()
    for (const record of records) if (found.upsert(record) !== 'created') t.fail('a record is there twice')
    // The round that was under way is on disk whole, or not at all.
    const last = lastRound(found)
    if (last === saved + 1) playRound(expected, last)
    else t.equal(last, saved, 'what was reported as saved is there')
    const differing = records.filter(({ key, provider }) => JSON.stringify(found.find(key, provider)) !== JSON.stringify(expected.find(key, provider)))
    t.strictSame([found.size, differing.length], [expected.size, 0], `kill ${kill} in round ${saved + 1}`)
  }
})

/** Lets a writer live for a moment, from its first round on or from its start. Returns the last round that it reported, or -1. */
async function runAndKill (file: string, isEarly: boolean): Promise<number> {
  const child = fork(new URL('./crash-writer.ts', import.meta.url), [file], { execArgv: [] })
  let saved = -1
  child.on('message', round => { saved = Number(round) })
  const exited = once(child, 'exit')
  if (!isEarly) await Promise.race([once(child, 'message'), exited.then(([code]) => { throw new Error(`the writer ended by itself, with ${String(code)}`) })])
  await sleep(Math.random() * (isEarly ? LONGEST_START_MS : LONGEST_WORK_MS))
  child.kill('SIGKILL')
  await exited.catch(() => {})
  return saved
}

/** From a copy: the file itself is for the next writer, with its log and its mark as the kill left them. Rejects at any damage. */
async function readAll (file: string): Promise<Announcement[]> {
  const copy = `${file}.copy`
  for (const suffix of ['', '-wal', '-commits']) {
    rmSync(`${copy}${suffix}`, { force: true })
    if (existsSync(`${file}${suffix}`)) copyFileSync(`${file}${suffix}`, `${copy}${suffix}`)
  }
  const journal = inlineJournal(copy)
  const records: Announcement[] = []
  const { obstacle } = await journal.open({ create: true })
  if (obstacle !== undefined) throw new JournalError(obstacle.fault, obstacle.message)
  for await (const chunk of journal.replay()) records.push(...chunk)
  await journal.close()
  return records
}
