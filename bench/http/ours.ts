import { join } from 'node:path'
import { createLogger } from '../../src/observability/logger.ts'
import { serveUsage } from '../server-process.ts'
import { startBenchDaemon, UNHINDERED } from '../surroundings.ts'

// A whole daemon with its public listener and its log, without the rate that a single load generator would hit.

const [folder = '.', ...settings] = process.argv.slice(2) // beyond the folder: section.key=value
const daemon = await startBenchDaemon({ ...UNHINDERED, 'public.listen': '127.0.0.1:0', ...Object.fromEntries(settings.map(setting => setting.split('='))) }, {
  adminSocket: join(folder, 'run', 'admin.sock'), log: createLogger({ level: 'info' }, { write: () => {} }),
})
serveUsage({ url: daemon.publicUrl, ops: daemon.opsUrl, address: daemon.addresses()[0] })
