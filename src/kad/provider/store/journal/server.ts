import { linkSync } from 'node:fs'
import type { ReplayChunk } from './codec.ts'
import { CommitMark } from './commit-mark.ts'
import { JournalDatabase } from './database.ts'
import { explainFault, explainLostCommits, isSchemaError, toJournalError } from './faults.ts'
import { JournalError, type Contact, type JournalContents, type JournalFault } from './journal.ts'
import { openDatabase } from './open-database.ts'
import { ReplayReader } from './replay-reader.ts'

/** What the thread is asked. Answered in order. */
export type JournalRequest =
  | { readonly kind: 'open', readonly create: boolean }
  | { readonly kind: 'replay' }
  | { readonly kind: 'commit', readonly batch: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'saveContacts', readonly contacts: readonly Contact[] }
  | { readonly kind: 'loadContacts' }
  | { readonly kind: 'close' }

/** The next chunk, or at the end what damage was met. */
export type ReplayAnswer = { readonly chunk: ReplayChunk } | { readonly damage: string | undefined }

export type JournalAnswer =
  | { readonly value: JournalContents | ReplayAnswer | number | readonly Contact[] | undefined }
  | { readonly fault: JournalFault, readonly message: string }

/** Answers for the file, in the thread that may wait for the disk. */
export class JournalServer {
  readonly #file: string
  readonly #mark: CommitMark
  #database: JournalDatabase | undefined
  #obstacle: JournalError | undefined
  #replay: ReplayReader | undefined

  constructor (file: string) {
    this.#file = file
    this.#mark = new CommitMark(file)
  }

  answer (request: JournalRequest): JournalAnswer {
    try {
      return { value: this.#serve(request) }
    } catch (err) {
      const { fault, message } = toJournalError(err, this.#file)
      return { fault, message }
    }
  }

  #serve (request: JournalRequest): Extract<JournalAnswer, { readonly value: unknown }>['value'] {
    switch (request.kind) {
      case 'open': return this.#open(request.create)
      case 'replay': return this.#nextChunk()
      case 'commit': return this.#marked(this.#writable.commit(request.batch))
      case 'saveContacts': return void this.#marked(this.#writable.saveContacts(request.contacts))
      case 'loadContacts': return this.#opened.loadContacts()
      case 'close': return this.#close()
    }
  }

  get #opened (): JournalDatabase {
    if (this.#database === undefined) throw new Error('it is not open')
    return this.#database
  }

  /** A damaged file is left as it is. */
  get #writable (): JournalDatabase {
    if (this.#obstacle !== undefined) throw this.#obstacle
    return this.#opened
  }

  #open (create: boolean): JournalContents {
    const { db, obstacle } = openDatabase(this.#file, { create })
    this.#obstacle = obstacle
    try {
      this.#database = new JournalDatabase(db)
      this.#replay = new ReplayReader(db, this.#database.ledger)
    } catch (err) {
      db.close()
      if (isSchemaError(err)) throw new JournalError('damaged', explainFault('damaged', this.#file, (err as Error).message), { cause: err })
      throw err
    }
    const { records, commits } = this.#database.ledger
    this.#compareMark(commits)
    return { records, commits, obstacle: this.#obstacle && { fault: this.#obstacle.fault, message: this.#obstacle.message } }
  }

  /** Fewer commits than the mark says: some that were confirmed are gone, and SQLite has not noticed. */
  #compareMark (commits: number): void {
    const marked = this.#mark.read()
    if (marked !== undefined && !(marked <= commits)) {
      this.#keepLog()
      this.#obstacle = new JournalError('damaged', explainLostCommits(this.#file, commits, marked))
    } else if (this.#obstacle === undefined && marked !== commits) {
      this.#mark.write(commits)
    }
  }

  /** SQLite removes the log when it closes the file. What it holds beyond the damage may be worth having. */
  #keepLog (): void {
    try {
      linkSync(`${this.#file}-wal`, `${this.#file}-wal.damaged`)
    } catch {
      // there is no log, it was kept before, or this disk has no links: the damage is told all the same
    }
  }

  #marked (commits: number): number {
    this.#mark.write(commits)
    return commits
  }

  #nextChunk (): ReplayAnswer {
    const chunk = this.#replay?.next()
    if (chunk !== undefined) return { chunk }
    const damage = this.#replay?.damage
    this.#replay?.close()
    this.#replay = undefined
    if (damage !== undefined) this.#obstacle = new JournalError('damaged', explainFault('damaged', this.#file, damage))
    return { damage: this.#obstacle?.fault === 'damaged' ? this.#obstacle.message : undefined }
  }

  #close (): undefined {
    this.#replay?.close()
    this.#database?.close()
    this.#mark.close()
    this.#replay = this.#database = undefined
  }
}
