import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createStore, until } from './store.ts'

// Starts a store on a file that is there.

export interface Replayed { readonly records: number, readonly seconds: number, readonly rssBytesPerRecord: number, readonly longestStallMs: number }

const [file = ''] = process.argv.slice(2)
const { store } = createStore(file)
globalThis.gc?.()
const before = process.memoryUsage.rss()
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
const startedAt = performance.now()
await store.start()
await until(() => store.reason() === undefined)
const seconds = (performance.now() - startedAt) / 1000
delay.disable()
globalThis.gc?.()
process.send?.({
  records: store.size, seconds, rssBytesPerRecord: (process.memoryUsage.rss() - before) / store.size, longestStallMs: delay.max / 1e6,
} satisfies Replayed)
await store.stop()
