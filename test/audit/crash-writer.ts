import { deriveNoteKeysFrom } from '../../src/kms/note-keys.ts'
import { action, createLog, diskStorage, ORIGIN } from './logs.ts'

// Appends until it is killed, several callers at once, and says of each entry when it was acknowledged.

process.once('disconnect', () => process.exit()) // whoever was to kill it is gone

const SECRET = Buffer.alloc(32, 7)
const CALLERS = 8

const { log } = createLog(diskStorage(process.argv[2] ?? ''), { publishMs: 5 }, deriveNoteKeysFrom(ORIGIN, SECRET))
await log.start()
process.send?.({ refusal: log.reason(), size: log.head().size })
await Promise.all(Array.from({ length: CALLERS }, async () => {
  for (let number = 0; ; number++) {
    const { seq } = await log.record(action(number))
    process.send?.({ acknowledged: seq })
  }
}))
