import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { startBenchDaemon, UNHINDERED } from '../surroundings.ts'

// A whole daemon with short-lived records, so that a soak sees as many expire as arrive.

const [folder = '.'] = process.argv.slice(2)
const daemon = await startBenchDaemon({ ...UNHINDERED, 'providers.ttl': '20s', 'public.listen': '127.0.0.1:0', 'ops.listen': '127.0.0.1:0' }, {
  adminSocket: join(folder, 'run', 'admin.sock'),
})

process.once('disconnect', () => process.exit()) // whoever measures is gone
process.on('message', () => {
  globalThis.gc?.()
  process.send?.({ rssBytes: process.memoryUsage.rss(), heapBytes: process.memoryUsage().heapUsed, fileDescriptors: readdirSync('/proc/self/fd').length })
})
process.send?.({ address: daemon.addresses()[0], publicUrl: daemon.publicUrl, opsUrl: daemon.opsUrl })
