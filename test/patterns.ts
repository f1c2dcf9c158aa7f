/** A pattern of `t.match` for these items and no more: an array is a pattern for a beginning, and `[]` for any array. */
export const only = (...items: readonly unknown[]) => ({ ...items, length: items.length })
