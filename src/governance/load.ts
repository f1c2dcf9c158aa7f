import { found } from './genesis.ts'
import { statementId, type Ledger } from './ledger.ts'
import { IntegrityFault, Replay, type LoggedEntry } from './replay.ts'
import type { HeldMark, SealedText, Snapshot } from './sealed.ts'
import type { GovernanceStore } from './store.ts'
import { parseGenesis } from './statement.ts'
import { stateRoot, type State } from './state.ts'

interface Kept { readonly mark: HeldMark | undefined, readonly snapshot: Snapshot | undefined }

/** What a start finds. With a `fault`, `safe` is the last state that can be relied on, if there is any. */
export interface Loaded {
  readonly ledger: Ledger | undefined
  readonly genesis: string
  readonly n: number
  /** Whether the log names the genesis already. */
  readonly isFounded: boolean
  readonly time: number
  readonly snapshotN: number
  readonly fault: IntegrityFault | undefined
  readonly safe: State | undefined
}

export interface LoadDeps {
  readonly store: GovernanceStore
  readonly sealed: SealedText
  readonly log: { reason (): string | undefined, entries (): AsyncIterable<LoggedEntry> }
}

/** Genesis, log, snapshot and mark, as far as they agree. Never throws for what is damaged. */
export async function load (genesisText: string, deps: LoadDeps): Promise<Loaded> {
  const faults: IntegrityFault[] = []
  const kept: Kept = {
    mark: noting(faults, 'mark', () => openIf(deps.store.readMark(), text => deps.sealed.openMark(text))),
    snapshot: await readSnapshot(deps, faults),
  }
  const { mark, snapshot } = kept
  const time = Math.max(mark?.time ?? 0, snapshot?.time ?? 0)
  const first = noting(faults, 'genesis', () => openGenesis(genesisText))
  if (first === undefined) return { ledger: undefined, genesis: '', n: 0, isFounded: false, time, snapshotN: 0, fault: faults.at(-1), safe: snapshot?.state }

  const replay = new Replay(first.ledger, first.digest, [mark?.n ?? 0, snapshot?.n ?? 0])
  const refusal = deps.log.reason()
  if (refusal !== undefined) faults.push(new IntegrityFault('log', refusal))
  try {
    await replay.takeAll(deps.log.entries())
  } catch (err) {
    if (!(err instanceof IntegrityFault)) throw err
    faults.push(err)
  }
  if (faults.length === 0) faults.push(...disagreements(replay, first.digest, kept))
  const isOwn = snapshot !== undefined && snapshot.genesis === first.digest
  return {
    ledger: replay.ledger,
    genesis: first.digest,
    n: replay.n,
    isFounded: replay.isFounded,
    time: Math.max(time, replay.ledger.time),
    snapshotN: snapshot?.n ?? 0,
    fault: faults[0],
    safe: faults.length === 0 ? undefined : isOwn && snapshot.n >= replay.n ? snapshot.state : replay.ledger.state,
  }
}

/** Whether the log holds what governance left: without a genesis nobody can say what it means. */
export function mentionsGovernance ({ event }: LoggedEntry): boolean {
  return typeof event === 'object' && event !== null && 'schema' in event && typeof event.schema === 'string' && event.schema.startsWith('svc-dht/governance/event/')
}

function openGenesis (text: string): { readonly ledger: Ledger, readonly digest: string } {
  const value: unknown = JSON.parse(text)
  return { ledger: found(value), digest: statementId(parseGenesis(value).envelope) }
}

function disagreements (replay: Replay, genesis: string, { mark, snapshot }: Kept): IntegrityFault[] {
  const found: IntegrityFault[] = []
  for (const [fault, held] of [['mark', mark], ['snapshot', snapshot]] as const) {
    if (held === undefined) continue
    if (held.genesis !== genesis) found.push(new IntegrityFault('genesis', `the ${fault} is of another genesis`))
    else if (held.n > replay.n) found.push(new IntegrityFault('log', `the log ends after ${replay.n} inputs, and ${held.n} were held`))
    else if (rootAt(replay, held.n) !== held.root) found.push(new IntegrityFault('root', `the log ends in another state than the ${fault} says`))
  }
  if (mark !== undefined && snapshot !== undefined && snapshot.n < mark.snapshot_n) found.push(new IntegrityFault('snapshot', 'the snapshot is older than the one that was written: it was restored'))
  return found
}

function rootAt (replay: Replay, n: number): string | undefined {
  const state = replay.stateAt(n)
  return state && stateRoot(state)
}

async function readSnapshot ({ store, sealed }: LoadDeps, faults: IntegrityFault[]): Promise<Snapshot | undefined> {
  try {
    return openIf(await store.readSnapshot(), text => sealed.openSnapshot(text))
  } catch (cause) {
    faults.push(new IntegrityFault('snapshot', `the snapshot cannot be used: ${(cause as Error).message}`, { cause }))
    return undefined
  }
}

function noting<T> (faults: IntegrityFault[], fault: 'mark' | 'genesis', act: () => T): T | undefined {
  try {
    return act()
  } catch (cause) {
    faults.push(new IntegrityFault(fault, `the ${fault} cannot be used: ${(cause as Error).message}`, { cause }))
    return undefined
  }
}

function openIf<T> (text: string | undefined, open: (text: string) => T): T | undefined {
  return text === undefined ? undefined : open(text)
}
