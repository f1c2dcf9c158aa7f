/** What a request asks of us, least worth first: under load they are refused in this order. `control` never is: PING, readiness, metrics. */
export type WorkKind = 'heavy_lookup' | 'lookup' | 'provide' | 'admin' | 'control'

/** How many times the tolerated lag it takes until a kind is refused. */
const FACTOR: Readonly<Record<WorkKind, number>> = { heavy_lookup: 1, lookup: 2, provide: 4, admin: 8, control: Number.POSITIVE_INFINITY }

/** Whether a kind of work is to be refused while the event loop lags so much. Both in milliseconds. */
export function isShed (kind: WorkKind, lagMs: number, toleratedMs: number): boolean {
  return lagMs >= toleratedMs * FACTOR[kind]
}
