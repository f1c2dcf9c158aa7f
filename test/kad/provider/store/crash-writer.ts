import { lastRound, playRound } from './crash-rounds.ts'
import { createStore, threadJournal } from './persistent-stores.ts'

// Plays rounds until it is killed, and says of each when it was on disk.

process.once('disconnect', () => process.exit()) // whoever was to kill it is gone

const { store, settled } = createStore({ journal: threadJournal(process.argv[2] ?? '') })
await store.start()
await settled()
for (let round = lastRound(store) + 1; ; round++) {
  playRound(store, round)
  await settled()
  process.send?.(round)
}
