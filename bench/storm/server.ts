import { serveUsage } from '../server-process.ts'
import { startBenchDaemon, startBenchKad, UNHINDERED } from '../surroundings.ts'
import { join } from 'node:path'

// A whole daemon, with its admission as it is set; quotas of one peer or prefix, which stop a storm from one place earlier, are out of the way.

const PEERS = 8

const [folder = '.', role = 'daemon', bootstrap = ''] = process.argv.slice(2)
if (role === 'peers') {
  const first = await startBenchKad(UNHINDERED)
  const addresses = [first.host.getMultiaddrs()[0]?.toString() ?? '']
  while (addresses.length < PEERS) {
    const peer = await startBenchKad({ ...UNHINDERED, 'kad.bootstrap': addresses[0] ?? '' })
    addresses.push(peer.host.getMultiaddrs()[0]?.toString() ?? '')
  }
  first.bootstrap.replace(addresses.slice(1, 2))
  serveUsage({ addresses })
} else {
  const daemon = await startBenchDaemon({ ...UNHINDERED, 'kad.bootstrap': bootstrap, 'public.listen': '127.0.0.1:0', 'ops.listen': '127.0.0.1:0' }, {
    adminSocket: join(folder, 'run', 'admin.sock'),
  })
  while (!daemon.readiness().ready) await new Promise(resolve => setTimeout(resolve, 50))
  serveUsage({ address: daemon.addresses()[0], publicUrl: daemon.publicUrl, opsUrl: daemon.opsUrl, adminSocket: daemon.adminSocket, ownerToken: daemon.ownerToken() })
}
