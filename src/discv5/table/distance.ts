/** discv5 theory: 256 minus the bits that two node IDs share at their front; 0 for one and the same. */
export function logDistance (a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < 32; i++) {
    const xor = (a[i] as number) ^ (b[i] as number)
    if (xor !== 0) return (32 - i) * 8 - Math.clz32(xor) + 24
  }
  return 0
}

/** Negative when `a` is closer to `target` than `b`. */
export function compareDistance (target: Uint8Array, a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < 32; i++) {
    const t = target[i] as number
    const difference = ((a[i] as number) ^ t) - ((b[i] as number) ^ t)
    if (difference !== 0) return difference
  }
  return 0
}
