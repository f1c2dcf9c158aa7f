import type { Announcement } from '../../record.ts'
import { encodeBatch, ReplayDecoder } from './codec.ts'
import { explainFault } from './faults.ts'
import { JournalError, type Batch, type Contact, type Journal, type JournalContents } from './journal.ts'
import type { JournalRequest, ReplayAnswer } from './server.ts'
import type { JournalThread } from './thread.ts'

interface Deps {
  readonly startThread: (file: string) => JournalThread
}

/** A journal in one SQLite file, which a thread of its own reads and writes. */
export class FileJournal implements Journal {
  readonly #file: string
  readonly #deps: Deps
  #thread: JournalThread | undefined

  constructor (file: string, deps: Deps) {
    this.#file = file
    this.#deps = deps
  }

  async open ({ create }: { readonly create: boolean }): Promise<JournalContents> {
    await this.close()
    this.#thread = this.#deps.startThread(this.#file)
    return await this.#ask<JournalContents>({ kind: 'open', create })
  }

  async * replay (): AsyncGenerator<readonly Announcement[]> {
    const decoder = new ReplayDecoder()
    for (let next = this.#ask<ReplayAnswer>({ kind: 'replay' }); ;) {
      const answer = await next
      if (!('chunk' in answer)) {
        const damage = answer.damage ?? (decoder.orphans > 0 ? explainFault('damaged', this.#file, `${decoder.orphans} records have no peer`) : undefined)
        if (damage !== undefined) throw new JournalError('damaged', damage)
        return
      }
      next = this.#ask<ReplayAnswer>({ kind: 'replay' }) // read while the caller works on this one
      next.catch(() => {}) // the caller may have left
      const announcements = decoder.decode(answer.chunk)
      if (announcements.length > 0) yield announcements
    }
  }

  async commit (batch: Batch): Promise<number> {
    return await this.#ask<number>({ kind: 'commit', batch: encodeBatch(batch) })
  }

  async saveContacts (contacts: readonly Contact[]): Promise<void> {
    await this.#ask<undefined>({ kind: 'saveContacts', contacts })
  }

  async loadContacts (): Promise<Contact[]> {
    return await this.#ask<Contact[]>({ kind: 'loadContacts' })
  }

  async close (): Promise<void> {
    const thread = this.#thread
    this.#thread = undefined
    if (thread === undefined) return
    // A file that cannot be closed in order is read again from its log; there is nobody to tell.
    await thread.ask({ kind: 'close' }).catch(() => {})
    await thread.end()
  }

  abandon (): void {
    const thread = this.#thread
    this.#thread = undefined
    thread?.abandon()
  }

  async #ask<T> (request: JournalRequest): Promise<T> {
    if (this.#thread === undefined) throw new JournalError('io', 'the file of provider records is not open')
    const answer = await this.#thread.ask(request)
    if ('fault' in answer) throw new JournalError(answer.fault, answer.message)
    return answer.value as T
  }
}
