import { Rows } from './columns.ts'

interface HeldPrefix { readonly row: number, readonly text: string, records: number }

/** IP prefixes by number, with how many records each has. Row 0 stands for a sender that is exempt. */
export class PrefixTable {
  readonly #rows = new Rows()
  /** Bounded by the records: each prefix has one. */
  readonly #byText = new Map<string, HeldPrefix>()
  readonly #byRow: Array<HeldPrefix | undefined> = []

  /** Behind the last row that was ever used. */
  get end (): number { return this.#rows.end }

  count (text: string): number { return this.#byText.get(text)?.records ?? 0 }

  /** The prefix of a row that may be free. */
  ifAny (row: number): Readonly<HeldPrefix> | undefined { return this.#byRow[row] }

  textAt (row: number): string | undefined { return this.#byRow[row]?.text }

  /** Counts one record more. Returns the prefix's row. */
  add (text: string | undefined): number {
    if (text === undefined) return 0
    const prefix = this.#byText.get(text) ?? this.#create(text)
    prefix.records++
    return prefix.row
  }

  /** Counts one record less. */
  remove (row: number): void {
    const prefix = this.#byRow[row]
    if (prefix === undefined || --prefix.records > 0) return
    this.#byText.delete(prefix.text)
    this.#byRow[row] = undefined
    this.#rows.giveBack(row)
  }

  #create (text: string): HeldPrefix {
    const prefix = { row: this.#rows.take(), text, records: 0 }
    this.#byText.set(text, prefix)
    this.#byRow[prefix.row] = prefix
    return prefix
  }
}
