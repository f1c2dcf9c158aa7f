import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import HyperDHT from 'hyperdht'
import { serveUsage } from '../server-process.ts'

// A hyperdht node that is alone in the world, with a routing table of nodes that are not there.

const [peers = 0] = process.argv.slice(2).map(Number)
const node = HyperDHT.bootstrapper(await freePort(), '127.0.0.1', { host: '127.0.0.1' })
await node.fullyBootstrapped()
for (let index = 0; index < peers; index++) node.addNode({ host: `127.1.${index >> 8}.${1 + (index & 255)}`, port: 4001 })
serveUsage({ port: node.address().port })

/** hyperdht wants to be told its port. */
async function freePort (): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}
