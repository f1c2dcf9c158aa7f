import { HttpError } from '../envelope.ts'

export const JSON_TYPE = 'application/json'
export const NDJSON_TYPE = 'application/x-ndjson'
const TEXT_TYPE = 'text/plain'
export const IPNS_RECORD_TYPE = 'application/vnd.ipfs.ipns-record'

interface MediaRange {
  readonly type: string
  readonly quality: number
}

/**
 * Which of the two encodings of a peer list the client gets. NDJSON only when it was named: Delegated Routing V1, Streaming,
 * "MUST NOT respond with streaming response if the client did not explicitly request so". On a tie the named one wins.
 * @throws {HttpError} 406 when the client takes neither
 */
export function negotiateList (accept: string | undefined): typeof JSON_TYPE | typeof NDJSON_TYPE {
  if (accept === undefined || accept.trim() === '') return JSON_TYPE
  const ranges = parseAccept(accept)
  const ndjson = qualityOf([NDJSON_TYPE], ranges)
  const json = qualityOf([JSON_TYPE, 'application/*', '*/*'], ranges)
  if (ndjson > 0 && ndjson >= json) return NDJSON_TYPE
  if (json > 0) return JSON_TYPE
  throw new HttpError(406, 'Unsupported', 'None of the accepted content types is served here.', {
    reason: 'http_accept', hint: `Retry with Accept: ${JSON_TYPE} or ${NDJSON_TYPE}.`,
  })
}

/**
 * Text unless JSON is liked better.
 * @throws {HttpError} 406 when the client takes neither
 */
export function negotiateRecord (accept: string | undefined): typeof TEXT_TYPE | typeof JSON_TYPE {
  if (accept === undefined || accept.trim() === '') return TEXT_TYPE
  const ranges = parseAccept(accept)
  const text = qualityOf([TEXT_TYPE, 'text/*', '*/*'], ranges)
  const json = qualityOf([JSON_TYPE, 'application/*', '*/*'], ranges)
  if (json > text) return JSON_TYPE
  if (text > 0) return TEXT_TYPE
  throw new HttpError(406, 'Unsupported', 'None of the accepted content types is served here.', {
    reason: 'http_accept', hint: `Retry with Accept: ${TEXT_TYPE} or ${JSON_TYPE}.`,
  })
}

/**
 * Delegated Routing V1, GET /routing/v1/ipns: 406 when the "requested content type is missing or not supported". So the type
 * must be named, as every client does; a wildcard is a person with a browser, who learns here what to ask for.
 * @throws {HttpError} 406
 */
export function assertAcceptsIpnsRecord (accept: string | undefined): void {
  if (qualityOf([IPNS_RECORD_TYPE], parseAccept(accept ?? '')) > 0) return
  throw new HttpError(406, 'Unsupported', 'The requested content type is missing or not supported.', {
    reason: 'http_accept', hint: `Retry with Accept: ${IPNS_RECORD_TYPE}.`,
  })
}

/** Quality of the most specific range that is present; RFC 9110 §12.5.1: specificity goes before quality. */
function qualityOf (mostSpecificFirst: readonly string[], ranges: readonly MediaRange[]): number {
  for (const type of mostSpecificFirst) {
    const matching = ranges.filter(range => range.type === type)
    if (matching.length > 0) return Math.max(...matching.map(range => range.quality))
  }
  return 0
}

/** A range whose quality is not a quality is left out, as if it had not been sent. */
function parseAccept (accept: string): MediaRange[] {
  return accept.toLowerCase().split(',').flatMap(text => {
    const [type = '', ...parameters] = text.split(';').map(part => part.trim())
    const given = parameters.find(parameter => parameter.startsWith('q='))?.slice(2) ?? '1'
    return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(given) ? [{ type, quality: Number(given) }] : []
  })
}
