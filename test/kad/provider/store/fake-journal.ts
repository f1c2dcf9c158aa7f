import type { Announcement } from '../../../../src/kad/provider/record.ts'
import { JournalError, type Batch, type Contact, type Journal, type JournalContents, type JournalFault } from '../../../../src/kad/provider/store/journal/journal.ts'

/** A journal without a disk, which fails and dawdles as a test wants. */
export class FakeJournal implements Journal {
  readonly batches: Batch[] = []
  contacts: Contact[] = []
  opened = 0
  closed = 0
  isAbandoned = false
  /** Opening the file never ends. */
  hangs = false
  /** What the replay brings, a chunk each. */
  chunks: Array<readonly Announcement[]> = []
  /** What each call fails with, while set. */
  fault: JournalFault | undefined
  obstacle: JournalContents['obstacle']
  commits = 0
  #gate: PromiseWithResolvers<void> | undefined

  /** From now on calls wait until `release`. */
  hold (): void { this.#gate = Promise.withResolvers() }

  release (): void {
    this.#gate?.resolve()
    this.#gate = undefined
  }

  async open (): Promise<JournalContents> {
    this.opened++
    if (this.hangs) await new Promise<never>(() => {})
    this.#assertWorks()
    return { records: this.chunks.flat().length, commits: this.commits, obstacle: this.obstacle }
  }

  async * replay (): AsyncGenerator<readonly Announcement[]> {
    for (const chunk of this.chunks) {
      await this.#gate?.promise
      this.#assertWorks()
      yield chunk
    }
  }

  async commit (batch: Batch): Promise<number> {
    await this.#gate?.promise
    this.#assertWorks()
    this.batches.push(batch)
    return ++this.commits
  }

  async saveContacts (contacts: readonly Contact[]): Promise<void> {
    this.#assertWorks()
    this.contacts = [...contacts]
  }

  async loadContacts (): Promise<Contact[]> {
    this.#assertWorks()
    return this.contacts
  }

  async close (): Promise<void> { this.closed++ }

  abandon (): void { this.isAbandoned = true }

  /** Rows that the batches wrote or removed. */
  get written (): number {
    return this.batches.reduce((count, { changes }) => count + changes.reduce((sum, { held, gone }) => sum + held.length + gone.length, 0), 0)
  }

  #assertWorks (): void {
    if (this.fault !== undefined) throw new JournalError(this.fault, `a fault of kind ${this.fault}`)
  }
}
