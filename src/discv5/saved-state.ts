import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** What a node keeps for its next start: its own record, for the sequence number, and nodes that answered. */
export interface SavedState {
  readonly own: string
  readonly nodes: readonly string[]
}

/** Where it is kept. */
export interface StateStore {
  /** Undefined when there is none, or none that can be read. */
  load (): Promise<SavedState | undefined>
  save (state: SavedState): Promise<void>
}

const MAX_NODES = 4096

/** A file that is replaced whole, so that a crash leaves the old one or the new one. */
export class FileStateStore implements StateStore {
  readonly #path: string

  constructor (path: string) {
    this.#path = path
  }

  async load (): Promise<SavedState | undefined> {
    try {
      const state = JSON.parse(await readFile(this.#path, 'utf8')) as Partial<SavedState> | null
      if (typeof state?.own !== 'string' || !Array.isArray(state.nodes)) return undefined
      return { own: state.own, nodes: state.nodes.filter(node => typeof node === 'string').slice(0, MAX_NODES) }
    } catch {
      return undefined // absent or damaged: the node starts as a new one does, through its boot nodes
    }
  }

  async save (state: SavedState): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
    const draft = `${this.#path}.new`
    const file = await open(draft, 'w', 0o600)
    try {
      await file.writeFile(JSON.stringify({ schema: 'svc-dht/discv5/1', ...state }))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, this.#path)
  }
}
