import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { decodeAddrs, decodeBatch, encodeAddrs, peerSum, recordSum, type EncodedChanges } from './codec.ts'
import type { Contact, SavedRecord } from './journal.ts'

/** What the file says of itself, changed with each batch in the same transaction. */
export interface Ledger { readonly commits: number, readonly records: number, readonly sum: number }

type Changing = { -readonly [Field in keyof Ledger]: Ledger[Field] }

const OPERATOR = 1

/** The journal's tables, in the thread that owns the file. Everything is synchronous. */
export class JournalDatabase {
  readonly #db: DatabaseSync
  readonly #statements: Statements
  #ledger: Ledger

  constructor (db: DatabaseSync) {
    this.#db = db
    this.#statements = prepare(db)
    const [commits, records, sum] = this.#statements.ledger.get() as unknown as number[]
    this.#ledger = { commits: commits ?? 0, records: records ?? 0, sum: sum ?? 0 }
  }

  get ledger (): Ledger { return this.#ledger }

  /** Brings a batch to disk, whole or not at all. Returns the number of commits. */
  commit (batch: Uint8Array): number {
    const { expiredBy, dropped, changes } = decodeBatch(batch)
    return this.#transact(ledger => {
      if (expiredBy !== undefined) this.#removeExpired(expiredBy, ledger)
      if (dropped.length > 0) this.#removeProviders(dropped, ledger)
      for (const change of changes) this.#apply(change, ledger)
    })
  }

  /** In the place of those that were saved before. Returns the number of commits. */
  saveContacts (contacts: readonly Contact[]): number {
    return this.#transact(() => {
      this.#db.exec('DELETE FROM contacts')
      for (const [place, { id, addrs }] of contacts.entries()) {
        const encoded = encodeAddrs(addrs)
        this.#statements.addContact.run(place, id, encoded, peerSum(place, id, encoded))
      }
    })
  }

  /** Those whose row is as it was written; the others are left out. Whom we knew can be learnt again. */
  loadContacts (): Contact[] {
    const rows = this.#statements.contacts.all() as unknown as Array<[place: number, id: Uint8Array, addrs: Uint8Array, sum: number]>
    return rows.filter(([place, id, addrs, sum]) => peerSum(place, id, addrs) === sum).map(([, id, addrs]) => ({ id, addrs: decodeAddrs(addrs) }))
  }

  /** Copies the log into the file. */
  close (): void {
    this.#db.close()
  }

  /** Whatever is changed counts as a commit, so that a lost one shows. */
  #transact (work: (ledger: Changing) => void): number {
    const ledger = { ...this.#ledger, commits: this.#ledger.commits + 1 }
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      work(ledger)
      this.#statements.setLedger.run(ledger.commits, ledger.records, ledger.sum)
      this.#db.exec('COMMIT')
      this.#ledger = ledger
      return ledger.commits
    } catch (err) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK') // some faults have rolled it back already
      throw err
    }
  }

  #apply ({ provider, isForgotten, addrs, held, gone }: EncodedChanges, ledger: Changing): void {
    const known = this.#statements.peer.get(provider) as unknown as [row: number, addrs: Uint8Array] | undefined
    let row = known?.[0]
    for (const { record, bytes } of held) {
      row ??= this.#addPeer(provider, addrs ?? new Uint8Array())
      this.#put(row, record, recordSum(bytes, row), ledger)
    }
    for (const key of gone) if (row !== undefined) this.#remove(key, row, ledger)
    if (known === undefined) return
    if (isForgotten) this.#statements.forgetPeer.run(known[0])
    else if (addrs !== undefined && Buffer.compare(addrs, known[1]) !== 0) this.#statements.setAddrs.run(addrs, peerSum(known[0], provider, addrs), known[0])
  }

  #addPeer (id: Uint8Array, addrs: Uint8Array): number {
    const [row = 0] = this.#statements.nextPeerRow.get() as unknown as number[]
    this.#statements.addPeer.run(row, id, addrs, peerSum(row, id, addrs))
    return row
  }

  #put (peer: number, { key, receivedAt, expiresAt, source, prefix }: SavedRecord, sum: number, ledger: Changing): void {
    const held = this.#statements.sumOf.get(key, peer) as unknown as [number] | undefined
    this.#statements.put.run(key, peer, receivedAt, expiresAt, source === 'operator' ? OPERATOR : 0, prefix ?? null, sum)
    if (held === undefined) ledger.records++
    ledger.sum = (ledger.sum + sum - (held?.[0] ?? 0)) >>> 0
  }

  #remove (key: Uint8Array, peer: number, ledger: Changing): void {
    const held = this.#statements.remove.get(key, peer) as unknown as [number] | undefined
    if (held === undefined) return // it came and went between two commits
    ledger.records--
    ledger.sum = (ledger.sum - held[0]) >>> 0
  }

  #removeExpired (expiredBy: number, ledger: Changing): void {
    countRemoved(this.#statements.removeExpired.iterate(expiredBy), ledger)
    this.#db.exec('DELETE FROM peers WHERE row NOT IN (SELECT peer FROM records)')
  }

  /** One pass through the records, however many providers go: there is no index by provider. */
  #removeProviders (providers: readonly Uint8Array[], ledger: Changing): void {
    const rows = providers.flatMap(id => (this.#statements.peer.get(id) as unknown as [row: number] | undefined)?.[0] ?? [])
    countRemoved(this.#statements.removeOfPeers.iterate(JSON.stringify(rows)), ledger)
    for (const row of rows) this.#statements.forgetPeer.run(row)
  }
}

/** Runs a removal that returns the checksums of what it removed. */
function countRemoved (sums: Iterable<unknown>, ledger: Changing): void {
  for (const [sum] of sums as Iterable<[number]>) {
    ledger.records--
    ledger.sum = (ledger.sum - sum) >>> 0
  }
}

type Statements = ReturnType<typeof prepare>

function prepare (db: DatabaseSync) {
  const statement = (sql: string): StatementSync => {
    const prepared = db.prepare(sql)
    prepared.setReturnArrays(true)
    return prepared
  }
  return {
    ledger: statement('SELECT commits, records, sum FROM ledger'),
    setLedger: statement('UPDATE ledger SET commits = ?, records = ?, sum = ?'),
    peer: statement('SELECT row, addrs FROM peers WHERE id = ?'),
    nextPeerRow: statement('SELECT coalesce(max(row), 0) + 1 FROM peers'),
    addPeer: statement('INSERT INTO peers (row, id, addrs, sum) VALUES (?, ?, ?, ?)'),
    setAddrs: statement('UPDATE peers SET addrs = ?, sum = ? WHERE row = ?'),
    forgetPeer: statement('DELETE FROM peers WHERE row = ?'),
    sumOf: statement('SELECT sum FROM records WHERE key = ? AND peer = ?'),
    put: statement(`INSERT INTO records (key, peer, received, expires, source, prefix, sum) VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (key, peer) DO UPDATE SET received = excluded.received, expires = excluded.expires, source = excluded.source, prefix = excluded.prefix, sum = excluded.sum`),
    remove: statement('DELETE FROM records WHERE key = ? AND peer = ? RETURNING sum'),
    removeExpired: statement('DELETE FROM records WHERE expires <= ? RETURNING sum'),
    removeOfPeers: statement('DELETE FROM records WHERE peer IN (SELECT value FROM json_each(?)) RETURNING sum'),
    contacts: statement('SELECT place, id, addrs, sum FROM contacts ORDER BY place'),
    addContact: statement('INSERT INTO contacts (place, id, addrs, sum) VALUES (?, ?, ?, ?)'),
  }
}
