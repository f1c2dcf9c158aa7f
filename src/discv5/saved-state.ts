import { mkdir, open, readFile, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Ban } from './engine.ts'
import { MAX_BANS } from './protect/bans.ts'

export type SavedBan = Pick<Ban, 'subject' | 'reason' | 'until'>

/** What a node keeps for its next start: its own record, for the sequence number, nodes that answered, and whom an operator banned. */
export interface SavedState {
  readonly own: string
  readonly nodes: readonly string[]
  readonly bans: readonly SavedBan[]
}

/** Where it is kept. */
export interface StateStore {
  /** Undefined when there is none, or none that can be read. What it gives has the right form and is to be verified. */
  load (): Promise<SavedState | undefined>
  save (state: SavedState): Promise<void>
}

const MAX_NODES = 4096
/** Four times what the longest lists of nodes and bans take. */
const MAX_FILE_BYTES = 32 * 1024 * 1024

/** A file that is replaced whole, so that a crash leaves the old one or the new one. */
export class FileStateStore implements StateStore {
  readonly #path: string

  constructor (path: string) {
    this.#path = path
  }

  async load (): Promise<SavedState | undefined> {
    try {
      if ((await stat(this.#path)).size > MAX_FILE_BYTES) return undefined
      const state = JSON.parse(await readFile(this.#path, 'utf8')) as Record<string, unknown> | null
      if (typeof state?.own !== 'string' || !Array.isArray(state.nodes)) return undefined
      const bans: unknown[] = Array.isArray(state.bans) ? state.bans : [] // a file from before bans were kept has none
      return { own: state.own, nodes: state.nodes.filter(node => typeof node === 'string').slice(0, MAX_NODES), bans: bans.filter(isBan).slice(0, MAX_BANS).map(({ subject, reason, until }) => ({ subject, reason, until })) }
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

function isBan (value: unknown): value is SavedBan {
  const { subject, reason, until } = (value ?? {}) as Record<string, unknown>
  return typeof subject === 'string' && typeof reason === 'string' && typeof until === 'number'
}
