/** Rows a segment holds. A column grows by a segment at a time, so that growing never copies what is there. */
const SEGMENT_BITS = 14
const SEGMENT_ROWS = 1 << SEGMENT_BITS
const ROW_MASK = SEGMENT_ROWS - 1

type Numbers = Uint32Array | Int32Array | Float64Array

/** Numbers by row, without a JavaScript object for any. A row that was never set reads as 0. */
class Column<T extends Numbers> {
  readonly #create: (rows: number) => T
  /** Bounded by the rows that its table hands out. */
  readonly #segments: T[] = []

  constructor (create: (rows: number) => T) {
    this.#create = create
  }

  /** Memory set aside. */
  get sizeBytes (): number { return this.#segments.reduce((sum, { byteLength }) => sum + byteLength, 0) }

  get (row: number): number {
    return this.#segments[row >>> SEGMENT_BITS]?.[row & ROW_MASK] ?? 0
  }

  set (row: number, value: number): void {
    const segment = this.#segments[row >>> SEGMENT_BITS] ?? this.#grow(row >>> SEGMENT_BITS)
    segment[row & ROW_MASK] = value
  }

  #grow (index: number): T {
    while (this.#segments.length <= index) this.#segments.push(this.#create(SEGMENT_ROWS))
    return this.#segments[index] as T
  }
}

export function uint32Column (): Column<Uint32Array> { return new Column(rows => new Uint32Array(rows)) }
export function int32Column (): Column<Int32Array> { return new Column(rows => new Int32Array(rows)) }
export function float64Column (): Column<Float64Array> { return new Column(rows => new Float64Array(rows)) }

/** Hands out row numbers, those given back first. Row 0 is never handed out: it stands for none. */
export class Rows {
  /** Rows given back, each naming the one given back before it. */
  readonly #nextFree = uint32Column()
  #firstFree = 0
  #end = 1
  #size = 0

  /** Rows in use. */
  get size (): number { return this.#size }

  /** Memory set aside. */
  get sizeBytes (): number { return this.#nextFree.sizeBytes }

  /** Behind the last row that was ever handed out. */
  get end (): number { return this.#end }

  take (): number {
    this.#size++
    const row = this.#firstFree
    if (row === 0) return this.#end++
    this.#firstFree = this.#nextFree.get(row)
    return row
  }

  giveBack (row: number): void {
    this.#size--
    this.#nextFree.set(row, this.#firstFree)
    this.#firstFree = row
  }
}

/** Byte strings of at most `cellBytes`, each in a cell of that size. */
export class Cells {
  readonly #cellBytes: number
  readonly #rows = new Rows()
  /** Bounded by the cells in use at the same time. */
  readonly #segments: Uint8Array[] = []

  constructor (cellBytes: number) {
    this.#cellBytes = cellBytes
  }

  /** Memory set aside. */
  get sizeBytes (): number { return this.#rows.sizeBytes + this.#segments.length * SEGMENT_ROWS * this.#cellBytes }

  add (bytes: Uint8Array): number {
    const cell = this.#rows.take()
    while (this.#segments.length <= cell >>> SEGMENT_BITS) this.#segments.push(new Uint8Array(SEGMENT_ROWS * this.#cellBytes))
    this.view(cell, bytes.byteLength).set(bytes)
    return cell
  }

  /** The bytes themselves, not a copy: valid until the cell is deleted. */
  view (cell: number, length: number): Uint8Array {
    const start = (cell & ROW_MASK) * this.#cellBytes
    return (this.#segments[cell >>> SEGMENT_BITS] as Uint8Array).subarray(start, start + length)
  }

  isEqual (cell: number, bytes: Uint8Array): boolean {
    const segment = this.#segments[cell >>> SEGMENT_BITS] as Uint8Array
    const start = (cell & ROW_MASK) * this.#cellBytes
    for (let index = 0; index < bytes.byteLength; index++) {
      if (segment[start + index] !== bytes[index]) return false
    }
    return true
  }

  delete (cell: number): void {
    this.#rows.giveBack(cell)
  }
}
