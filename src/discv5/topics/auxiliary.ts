import type { Enr } from '../enr/record.ts'
import { logDistance } from '../table/distance.ts'

interface Request {
  readonly topic: Uint8Array
  readonly distances: readonly number[]
  readonly limit: number
}

/** discv5 theory, § Auxiliary ENR Selection: of each distance from the topic that is asked for one record, any of those there are. */
export function chooseAuxiliary ({ topic, distances, limit }: Request, known: Iterable<Enr>, random: () => number): Enr[] {
  const asked = new Set(distances.filter(distance => distance > 0).slice(0, limit))
  const chosen = new Map<number, { record: Enr, seen: number }>()
  for (const record of known) {
    const distance = logDistance(topic, record.id)
    if (!asked.has(distance)) continue
    const seen = (chosen.get(distance)?.seen ?? 0) + 1
    // The n-th takes the place with a chance of 1 in n, so that each has the same in the end.
    if (random() * seen < 1) chosen.set(distance, { record, seen })
    else (chosen.get(distance) as { seen: number }).seen = seen
  }
  return [...asked].flatMap(distance => chosen.get(distance)?.record ?? [])
}
