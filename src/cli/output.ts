import type { Host } from './host.ts'
import type { View } from './layout.ts'
import { toJsonLine, truncate } from './text.ts'

/** Where answers and remarks go: answers to stdout, for people or as JSON lines; everything else to stderr. */
export class Output {
  readonly isJson: boolean
  readonly #host: Host
  readonly #hasColour: boolean
  #hasProgress = false

  constructor (host: Host, options: { readonly isJson: boolean }) {
    this.isJson = options.isJson
    this.#host = host
    // no-color.org: any non-empty value turns colour off.
    this.#hasColour = host.stdout.isTerminal && (host.env['NO_COLOR'] ?? '') === ''
  }

  /** An answer: the value as one JSON line, or as `render` makes it readable. */
  answer<T> (value: T, render: (value: T, view: View) => string): void {
    this.clearProgress()
    this.#host.stdout.write(this.isJson ? `${toJsonLine(value)}\n` : render(value, this.#view()))
  }

  /** A remark for people beside the answer; not part of it, and silent for machines. The text must be printable. */
  remark (text: string): void {
    this.clearProgress()
    if (!this.isJson) this.#host.stderr.write(`${text}\n`)
  }

  /** What is going on right now, on one line that the next output replaces. Only where someone watches. */
  progress (text: string): void {
    const { stderr } = this.#host
    if (this.isJson || !stderr.isTerminal) return
    // One short of the width: a full line would wrap and could not be erased.
    stderr.write(`${ERASE_LINE}${truncate(text, stderr.columns - 1)}`)
    this.#hasProgress = true
  }

  clearProgress (): void {
    if (this.#hasProgress) this.#host.stderr.write(ERASE_LINE)
    this.#hasProgress = false
  }

  #view (): View {
    const { stdout, now } = this.#host
    return { now: now(), columns: stdout.isTerminal ? stdout.columns : undefined, hasColour: this.#hasColour }
  }
}

const ERASE_LINE = '\r\u001b[2K'
