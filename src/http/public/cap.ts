/** Passes `limit` items on; `onMore` is called only when there really was one more, and the source is not asked again. */
export function cap<T> (limit: number, onMore: () => void) {
  return async function * (source: AsyncIterable<T>): AsyncGenerator<T> {
    let passed = 0
    for await (const item of source) {
      if (passed === limit) return onMore()
      passed++
      yield item
    }
  }
}
