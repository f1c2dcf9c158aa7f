/** Seconds that caches may keep answers: Delegated Routing V1, Response Headers. */
const FOUND_SECONDS = 300
const EMPTY_SECONDS = 15
/** Stale addresses hurt more than a slow answer, so the spec's whole window is only for when we cannot be reached. */
const FOUND_REVALIDATE_SECONDS = 600
const EMPTY_REVALIDATE_SECONDS = 60
const EMPTY_IF_ERROR_SECONDS = 3600

/** For an answer that is whole, or cut only by its limit. `maxTtlSeconds` is how long the routing system keeps a record. */
export function cacheControl (records: number, maxTtlSeconds: number): string {
  return records === 0
    ? `public, max-age=${EMPTY_SECONDS}, stale-while-revalidate=${EMPTY_REVALIDATE_SECONDS}, stale-if-error=${EMPTY_IF_ERROR_SECONDS}`
    : `public, max-age=${FOUND_SECONDS}, stale-while-revalidate=${FOUND_REVALIDATE_SECONDS}, stale-if-error=${maxTtlSeconds}`
}

/** For a stream whose end is not known yet: shared for a moment, never served stale. */
export const UNFINISHED_CACHE_CONTROL = `public, max-age=${EMPTY_SECONDS}`

/** For an answer that the deadline or a failure cut short: the next client may get more. */
export const PARTIAL_CACHE_CONTROL = 'no-store'

/** RFC 9110 IMF-fixdate. */
export function toHttpDate (ms: number): string {
  return new Date(ms).toUTCString()
}

/** RFC 9110 §13.1.3: true when nothing changed since the date that the client has; a date that is none counts as absent. */
export function isNotModifiedSince (changedAtMs: number, ifModifiedSince: string | undefined): boolean {
  const sinceMs = Date.parse(ifModifiedSince ?? '')
  return Math.floor(changedAtMs / 1000) * 1000 <= sinceMs // false for NaN
}

/** RFC 9110 §13.1.2, weak comparison: true when the client has this representation, or any. */
export function matchesEtag (etag: string, ifNoneMatch: string | undefined): boolean {
  return ifNoneMatch?.split(',').map(tag => tag.trim().replace(/^W\//, '')).some(tag => tag === '*' || tag === etag) ?? false
}
