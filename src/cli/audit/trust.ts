import { readFile, stat } from 'node:fs/promises'
import { CheckpointError, parseCheckpoint, type TreeHead } from '../../audit/format/checkpoint.ts'
import { parseVerifierKey, type VerifierKey } from '../../audit/format/note.ts'
import { MAX_POLICY_BYTES, parsePolicy, PolicyError, type Policy } from '../../audit/format/policy.ts'
import type { Exit } from '../exit-codes.ts'
import { usageFailure } from '../failure.ts'
import { renderFields, type Field, type View } from '../layout.ts'
import type { Verdict } from './verify.ts'

const MAX_KEY_FILE_BYTES = 65_536
const MAX_CHECKPOINT_BYTES = 1024 * 1024
const KEPT_HINT = 'Keep what `/audit/checkpoint` of the daemon answers, or the file `checkpoint` of an exported folder.'

/**
 * Verifier keys, each given as text or as a file with one a line; lines that begin with # are remarks.
 * @throws {Failure} usage for what is neither
 */
export async function readTrustedKeys (texts: readonly string[]): Promise<VerifierKey[]> {
  const keys = await Promise.all(texts.map(async text => text.includes('+') ? [parseKey(text)] : await readKeyFile(text)))
  if (keys.flat().length === 0) throw usageFailure('There is no key to verify by.')
  return keys.flat()
}

/** Those that a daemon names: never a file of ours. @throws {Failure} when it names none */
export function parseNamedKeys (texts: readonly string[]): VerifierKey[] {
  if (texts.length === 0) throw usageFailure('There is no key to verify by.')
  return texts.map(parseKey)
}

async function readKeyFile (path: string): Promise<VerifierKey[]> {
  const stats = await stat(path).catch(() => undefined)
  if (stats?.isFile() !== true || stats.size > MAX_KEY_FILE_BYTES) throw usageFailure(`${path} is neither a verifier key nor a file of some.`, 'A key is name+id+key.')
  const lines = (await readFile(path, 'utf8')).split('\n').map(line => line.trim())
  return lines.filter(line => line !== '' && !line.startsWith('#')).map(parseKey)
}

/**
 * A checkpoint that whoever verifies kept. Its signatures are not looked at: it is believed because it was kept.
 * @throws {Failure} usage for what is none
 */
export async function readKeptCheckpoint (path: string): Promise<TreeHead> {
  const stats = await stat(path).catch(() => undefined)
  if (stats?.isFile() !== true || stats.size > MAX_CHECKPOINT_BYTES) throw usageFailure(`${path} is not a file of a checkpoint.`, KEPT_HINT)
  try {
    return parseCheckpoint(await readFile(path))
  } catch (err) {
    if (err instanceof CheckpointError) throw usageFailure(`${path} is not one to go on from: ${err.message}`, KEPT_HINT)
    throw err
  }
}

/** @throws {Failure} usage with every mistake of the policy */
export async function readPolicy (path: string): Promise<Policy> {
  const stats = await stat(path).catch(() => undefined)
  if (stats?.isFile() !== true || stats.size > MAX_POLICY_BYTES) throw usageFailure(`${path} is not a file of a policy.`, 'Its syntax is c2sp.org/tlog-policy.')
  try {
    return parsePolicy(await readFile(path))
  } catch (err) {
    if (err instanceof PolicyError) throw usageFailure(`${path} is not a policy: ${err.mistakes.join('; ')}.`, 'Its syntax is c2sp.org/tlog-policy.')
    throw err
  }
}

function parseKey (text: string): VerifierKey {
  try {
    return parseVerifierKey(text)
  } catch (err) {
    throw usageFailure(`This is not a verifier key: ${(err as Error).message}.`, 'A key is name+id+key, as `ronctl audit head` prints it.')
  }
}

export function renderVerdict (verdict: Verdict, view: View): string {
  if (!verdict.valid) return renderFields([['verified', 'no'], ['fault', verdict.fault], ['why', verdict.message], ...renderWitnesses(verdict)], view)
  return renderFields([
    ['verified', 'yes'],
    ['origin', verdict.origin],
    ['entries', String(verdict.size)],
    ...(verdict.from === undefined ? [] : [['kept from', `entry ${verdict.from}: older ones were let go`] satisfies Field]),
    ...(verdict.continues === undefined ? [] : [['goes on from', `the kept checkpoint of ${verdict.continues} entries`] satisfies Field]),
    ['root', verdict.root],
    ['signed by', verdict.signed_by.map(shortenKey)],
    ['signed at', verdict.signed_at ?? 'not told by a trusted key'],
    ...(verdict.rotations ?? []).map(({ seq, to }): Field => ['keys followed', `entry ${seq} hands over to ${to.map(shortenKey).join(' and ')}`]),
    ...renderWitnesses(verdict),
  ], view)
}

function renderWitnesses ({ witnesses }: Verdict): Field[] {
  if (witnesses === undefined) return []
  const { cosigned, missing } = witnesses
  const named: Field[] = [['cosigned by', cosigned.length === 0 ? 'nobody' : cosigned], ['not cosigned by', missing]]
  return named.filter(([, names]) => names.length > 0)
}

/** A verifier key without its material: name and id. */
export function shortenKey (key: string): string {
  return key.split('+').slice(0, 2).join('+')
}

export function verdictExit ({ valid }: Verdict): Exit {
  return valid ? 'ok' : 'negative'
}
