/** A fork digest that is accepted, for good or until a time. */
export interface Fork {
  /** Eight hex characters. */
  readonly digest: string
  /** Milliseconds since 1970: the grace of a fork that is over. */
  readonly until?: number
}

/**
 * The four bytes that name a node's fork: of `eth2` (consensus-specs, ENRForkID) the first four, of `eth` (EIP-2124) the fork hash,
 * which is the first string in a list of lists. Undefined for a value of another form.
 */
export function forkDigest (key: 'eth' | 'eth2', value: Uint8Array): string | undefined {
  const bytes = key === 'eth2' ? value.subarray(0, 4) : forkHash(value)
  return bytes?.length === 4 ? Buffer.from(bytes).toString('hex') : undefined
}

/** Whether the list has the fork, and its time there, if it has one, is not over. */
export function isForkAccepted (forks: readonly Fork[], digest: string | undefined, now: number): boolean {
  return forks.some(fork => fork.digest === digest && (fork.until === undefined || now < fork.until))
}

/** RLP `[[hash, next, …], …]`: both lists are short, so one byte of header each, then `0x84` and the hash. */
function forkHash (value: Uint8Array): Uint8Array | undefined {
  const [outer = 0, inner = 0, string] = value
  const isWhole = outer === 0xc0 + value.length - 1 && outer <= 0xf7
  const fits = inner >= 0xc5 && inner <= 0xf7 && inner - 0xc0 <= value.length - 2
  return isWhole && fits && string === 0x84 ? value.subarray(3, 7) : undefined
}
