/**
 * Passes lines on while they fit into `limitBytes`, each counted with the separator that will stand beside it; `onMore` is
 * called for the first that does not.
 */
export function capBytes (limitBytes: number, onMore: () => void) {
  return async function * (source: AsyncIterable<string>): AsyncGenerator<string> {
    let bytes = 0
    for await (const line of source) {
      bytes += Buffer.byteLength(line) + 1
      if (bytes > limitBytes) return onMore()
      yield line
    }
  }
}
