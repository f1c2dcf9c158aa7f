/** Bytes as the key of a map, where equal ones meet: one character a byte. */
export function toMapKey (bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** The bytes that the key stands for. */
export function fromMapKey (mapKey: string): Uint8Array {
  return Buffer.from(mapKey, 'latin1')
}
