import { performance } from 'node:perf_hooks'

/** One way to ask the server under storm. */
export interface Surface extends AsyncDisposable {
  /** Sends one request, or says that everything that could carry it is busy. */
  trySend (done: (outcome: Outcome) => void): boolean
  /** Hands over what was gathered in this turn. */
  flush (): void
}

/** `lost`: neither answered nor refused when the storm was over, or the connection broke. */
export type Outcome = 'answered' | 'refused' | 'lost'

export interface Offer {
  /** Requests a second; infinite for as many as are answered. */
  readonly perSecond: number
  readonly durationMs: number
  /** Requests under way at once. */
  readonly inFlight: number
}

export interface Offered {
  readonly seconds: number
  readonly sent: number
  /** Due, but not sent: nothing was free to carry them. They do not count as refused, nor are they made up for. */
  readonly heldBack: number
  readonly outcomes: Readonly<Record<Outcome, number>>
  readonly latenciesMs: readonly number[]
}

const TICK_MS = 5
/** What could not be sent for so long is given up. Milliseconds of the rate. */
const BACKLOG_MS = 100

/** Offers requests at a rate that does not ask how the server is: a storm does not wait for its answers. */
export async function offer (surface: Surface, { perSecond, durationMs, inFlight }: Offer): Promise<Offered> {
  const outcomes: Record<Outcome, number> = { answered: 0, refused: 0, lost: 0 }
  const latenciesMs: number[] = []
  const startedAt = performance.now()
  const endsAt = startedAt + durationMs
  const isClosedLoop = perSecond === Number.POSITIVE_INFINITY
  let [sent, heldBack, underWay, due, last] = [0, 0, 0, isClosedLoop ? perSecond : 0, startedAt]

  function send (): void {
    while (due >= 1 && underWay < inFlight && performance.now() < endsAt) {
      const begun = performance.now()
      const isSent = surface.trySend(outcome => {
        underWay--
        outcomes[outcome]++
        if (outcome === 'answered') latenciesMs.push(performance.now() - begun)
      })
      if (!isSent) break
      sent++
      underWay++
      due--
    }
    surface.flush()
  }

  while (last < endsAt) {
    await new Promise(resolve => { setTimeout(resolve, isClosedLoop ? 0 : TICK_MS) })
    const now = performance.now()
    if (!isClosedLoop) due += perSecond * (now - last) / 1000
    last = now
    const backlog = perSecond * BACKLOG_MS / 1000
    send()
    if (due > backlog) {
      heldBack += due - backlog
      due = backlog
    }
  }
  outcomes.lost += underWay
  return { seconds: (performance.now() - startedAt) / 1000, sent, heldBack: Math.round(heldBack), outcomes, latenciesMs }
}
