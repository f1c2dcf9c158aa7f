/** Where governance keeps what is not in the log: a snapshot, and the high-water mark that no older snapshot or log passes. */
export interface GovernanceStore {
  /** @throws {Error} when it cannot be read or is not ours alone */
  readSnapshot (): Promise<string | undefined>
  /** Resolves once no crash takes it away. */
  writeSnapshot (text: string): Promise<void>
  /** @throws {Error} as readSnapshot */
  readMark (): string | undefined
  writeMark (text: string): void
}

/** For a daemon that leaves nothing behind. */
export class MemoryGovernanceStore implements GovernanceStore {
  #snapshot: string | undefined
  #mark: string | undefined
  async readSnapshot (): Promise<string | undefined> { return this.#snapshot }
  async writeSnapshot (text: string): Promise<void> { this.#snapshot = text }
  readMark (): string | undefined { return this.#mark }
  writeMark (text: string): void { this.#mark = text }
}
