import { listenFailure } from '../core/listen-failure.ts'

/** A line of libp2p's message: `  /ip4/…/tcp/7460: Error: listen EADDRINUSE …`. */
const FAILED = /^ {2}(\/\S+): (?:\w*Error: )?(.*)$/gm

/** What libp2p says with a stack per address, as the one line that the other listeners print. Any other error is given back. */
export function toListenError (err: unknown): unknown {
  if (!(err instanceof Error) || err.name !== 'UnsupportedListenAddressesError') return err
  const failures = [...err.message.matchAll(FAILED)].map(([, address = '', why = '']) => ({ address, why }))
  return failures.length === 0 ? err : listenFailure('kad.listen', failures, err)
}
