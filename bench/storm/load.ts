import { getPriority, setPriority } from 'node:os'
import { createHttpSurface } from './http-surface.ts'
import { offer, type Offer } from './offer.ts'
import { createRpcSurface } from './rpc-surface.ts'

// Offers load from a process of its own, at a lower priority than the server: a storm comes from elsewhere and takes no CPU from it.

const BELOW_THE_SERVER = 5

const [surface = 'rpc', target = ''] = process.argv.slice(2)
setPriority(Math.min(19, getPriority() + BELOW_THE_SERVER))
const asked = await (surface === 'rpc' ? createRpcSurface(target) : createHttpSurface(target))
process.once('disconnect', () => process.exit()) // whoever measures is gone
process.on('message', (order: Omit<Offer, 'perSecond'> & { readonly perSecond: number | null }) => {
  void offer(asked, { ...order, perSecond: order.perSecond ?? Number.POSITIVE_INFINITY }).then(offered => process.send?.(offered))
})
process.send?.('ready')
