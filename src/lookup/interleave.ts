type Arrival<T> =
  | { readonly from: AsyncIterator<T>, readonly result: IteratorResult<T, unknown> }
  | { readonly from: AsyncIterator<T>, readonly failure: unknown }

/**
 * The items of all sources as they arrive. Each source is asked for one item at a time, so a reader that stops pulling
 * stops them all. A source that fails is reported and the others go on. When `signal` aborts the items end at once: a
 * source that does not heed its own signal is left behind, not waited for.
 */
export async function * interleave<T> (sources: ReadonlyArray<AsyncIterable<T>>, signal: AbortSignal, onFailure: (failure: unknown) => void): AsyncGenerator<T> {
  const open = new Set(sources.map(source => source[Symbol.asyncIterator]()))
  const asked = new Map<AsyncIterator<T>, Promise<Arrival<T>>>()
  const ask = (from: AsyncIterator<T>): void => {
    asked.set(from, from.next().then(result => ({ from, result }), (failure: unknown) => ({ from, failure })))
  }
  const { promise: aborted, resolve: abort } = Promise.withResolvers<undefined>()
  const onAbort = (): void => abort(undefined)
  signal.addEventListener('abort', onAbort)
  try {
    if (signal.aborted) return
    open.forEach(ask)
    while (open.size > 0) {
      const arrival = await Promise.race([...asked.values(), aborted])
      if (arrival === undefined) return
      asked.delete(arrival.from)
      if ('failure' in arrival) {
        open.delete(arrival.from)
        onFailure(arrival.failure)
      } else if (arrival.result.done === true) {
        open.delete(arrival.from)
      } else {
        yield arrival.result.value
        ask(arrival.from)
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    for (const iterator of open) void iterator.return?.().catch(onFailure) // a generator that waits ends when its wait does
  }
}
