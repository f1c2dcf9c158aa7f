import { parseVerifierKey, type SignatureType, type VerifierKey } from './note.ts'

// c2sp.org/tlog-policy: which logs are known, and which witnesses together are enough.

export interface PolicyLog { readonly key: VerifierKey, readonly url: string | undefined }

export interface PolicyWitness {
  /** Has a meaning in its policy only. */
  readonly name: string
  readonly key: VerifierKey
  readonly url: string | undefined
  /** Where the file defines it, from 1. */
  readonly line: number
}

export interface PolicyGroup {
  readonly name: string
  /** How many of its members have to witness. */
  readonly threshold: number
  readonly members: readonly PolicyMember[]
}

export type PolicyMember = PolicyWitness | PolicyGroup

export interface Policy {
  readonly logs: readonly PolicyLog[]
  readonly witnesses: readonly PolicyWitness[]
  /** Undefined for `quorum none`. */
  readonly quorum: PolicyMember | undefined
}

/** Everything wrong with a policy at once, a sentence without its end each, with its line. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError'
  readonly mistakes: readonly string[]
  constructor (mistakes: readonly string[]) {
    super(`${mistakes.length} ${mistakes.length === 1 ? 'mistake' : 'mistakes'} in the policy: ${mistakes.join('; ')}`)
    this.mistakes = mistakes
  }
}

export const MAX_POLICY_BYTES = 512 * 1024
/** Of logs, of witnesses, and of groups; the specification asks for 32 of each, and a note has room for 64 signatures. */
const MAX_DEFINED = 48
const MAX_LINES = 4096
const MAX_MISTAKES = 20

/** @throws {PolicyError} */
export function parsePolicy (bytes: Uint8Array): Policy {
  if (bytes.byteLength > MAX_POLICY_BYTES) throw new PolicyError([`it has more than ${MAX_POLICY_BYTES} bytes`])
  // Names are octets (§ Character set): a character each keeps them apart, whatever they are.
  const lines = Buffer.from(bytes).toString('latin1').split('\n')
  if (lines.length > MAX_LINES) throw new PolicyError([`it has more than ${MAX_LINES} lines`])
  const reader = new PolicyReader()
  const last = lines.pop() ?? ''
  lines.forEach((line, at) => reader.read(line, at + 1))
  if (last !== '') reader.mistake(lines.length + 1, 'the line does not end')
  return reader.finish()
}

interface Quorum { readonly member: PolicyMember | undefined, readonly line: number }

class PolicyReader {
  readonly #mistakes: string[] = []
  readonly #logs: PolicyLog[] = []
  readonly #witnesses: PolicyWitness[] = []
  /** Witnesses and groups, which share their names. Bounded by `MAX_DEFINED` of each. */
  readonly #defined = new Map<string, PolicyMember>()
  readonly #groups = new Set<PolicyGroup>()
  /** Names that a group has: each may be in one only. */
  readonly #used = new Set<string>()
  /** Names whose definition was wrong: no mistake a second time. */
  readonly #broken = new Set<string>()
  #quorum: Quorum | undefined

  mistake (line: number, what: string): void {
    if (this.#mistakes.length < MAX_MISTAKES) this.#mistakes.push(`line ${line}: ${what}`)
  }

  read (line: string, number: number): void {
    // eslint-disable-next-line no-control-regex
    if (/[\x00-\x08\x0b-\x1f\x7f]/.test(line)) return this.mistake(number, 'it has a control character')
    const [keyword, ...items] = line.split(/[ \t]+/).filter(item => item !== '')
    if (keyword === undefined || keyword.startsWith('#')) return
    switch (keyword) {
      case 'log': return this.#readLog(items, number)
      case 'witness': return this.#readWitness(items, number)
      case 'group': return this.#readGroup(items, number)
      case 'quorum': return this.#readQuorum(items, number)
      default: this.mistake(number, `${show(keyword)} is not log, witness, group or quorum`)
    }
  }

  finish (): Policy {
    if (this.#quorum === undefined && this.#mistakes.length < MAX_MISTAKES) this.#mistakes.push('there is no quorum line')
    if (this.#mistakes.length > 0) throw new PolicyError(this.#mistakes)
    return { logs: this.#logs, witnesses: this.#witnesses, quorum: this.#quorum?.member }
  }

  #readLog ([vkey, url, ...rest]: readonly string[], line: number): void {
    if (vkey === undefined || rest.length > 0) return this.mistake(line, 'a log is `log <vkey> [<url>]`')
    const key = this.#parseKey(vkey, [0x01, 0x06], this.#logs, line)
    if (key === undefined) return
    if (this.#logs.length === MAX_DEFINED) return this.mistake(line, `there are more than ${MAX_DEFINED} logs`)
    this.#logs.push({ key, url: url === undefined ? undefined : show(url, false) })
  }

  #readWitness ([name, vkey, url, ...rest]: readonly string[], line: number): void {
    if (name === undefined || vkey === undefined || rest.length > 0) return this.mistake(line, 'a witness is `witness <name> <vkey> [<url>]`')
    const isNew = this.#isNew(name, line)
    const key = this.#parseKey(vkey, [0x04, 0x06], this.#witnesses, line)
    if (isNew && key === undefined) this.#broken.add(name)
    if (!isNew || key === undefined) return
    if (this.#witnesses.length === MAX_DEFINED) return this.mistake(line, `there are more than ${MAX_DEFINED} witnesses`)
    const witness = { name: show(name, false), key, url: url === undefined ? undefined : show(url, false), line }
    this.#witnesses.push(witness)
    this.#defined.set(name, witness)
  }

  #readGroup ([name, threshold, ...names]: readonly string[], line: number): void {
    if (name === undefined || threshold === undefined || names.length === 0) return this.mistake(line, 'a group is `group <name> all|any|<k> <name>...`')
    const isNew = this.#isNew(name, line)
    const members = names.flatMap(member => this.#use(member, line) ?? [])
    const k = threshold === 'all' ? names.length : threshold === 'any' ? 1 : /^[1-9]\d{0,4}$/.test(threshold) ? Number(threshold) : 0
    if (k < 1 || k > names.length) this.mistake(line, `${show(threshold)} is not all, any or a number from 1 to ${names.length}`)
    if (!isNew) return
    if (members.length !== names.length || k < 1 || k > names.length) return void this.#broken.add(name)
    if (this.#groups.size === MAX_DEFINED) return this.mistake(line, `there are more than ${MAX_DEFINED} groups`)
    const group = { name: show(name, false), threshold: k, members }
    this.#groups.add(group)
    this.#defined.set(name, group)
  }

  #readQuorum ([name, ...rest]: readonly string[], line: number): void {
    if (name === undefined || rest.length > 0) return this.mistake(line, 'the quorum is `quorum <name>`')
    if (this.#quorum !== undefined) return this.mistake(line, `the quorum is on line ${this.#quorum.line} already`)
    const member = this.#defined.get(name)
    if (member === undefined && name !== 'none' && !this.#broken.has(name)) this.mistake(line, `${show(name)} is not defined above`)
    this.#quorum = { member, line }
  }

  #use (name: string, line: number): PolicyMember | undefined {
    const member = this.#defined.get(name)
    if (member === undefined && !this.#broken.has(name)) return void this.mistake(line, `${show(name)} is not defined above`)
    if (this.#used.has(name)) return void this.mistake(line, `${show(name)} is a member of a group already`)
    this.#used.add(name)
    return member
  }

  #isNew (name: string, line: number): boolean {
    if (name === 'none') this.mistake(line, 'the name none is taken')
    else if (this.#defined.has(name)) this.mistake(line, `${show(name)} is defined already`)
    else return true
    return false
  }

  #parseKey (vkey: string, types: readonly SignatureType[], others: ReadonlyArray<{ readonly key: VerifierKey }>, line: number): VerifierKey | undefined {
    let key: VerifierKey
    try {
      key = parseVerifierKey(show(vkey, false))
    } catch (err) {
      return void this.mistake(line, `the key cannot be used: ${(err as Error).message}`)
    }
    if (!types.includes(key.type)) return void this.mistake(line, `the key has the signature type ${key.type}, which is not for this`)
    if (others.some(other => Buffer.compare(other.key.publicKey, key.publicKey) === 0)) return void this.mistake(line, 'the key is on a line before')
    return key
  }
}

/** The text of octets, for people; in a sentence it is cut and quoted. */
function show (octets: string, isQuoted = true): string {
  const text = Buffer.from(octets, 'latin1').toString('utf8')
  return isQuoted ? JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text) : text
}

/**
 * The largest size that the quorum has witnessed, by the size that each witness has; infinite for a quorum of none. A witness
 * that signed a larger tree stands for every smaller one.
 */
export function quorumSize ({ quorum }: Policy, sizeOf: (witness: PolicyWitness) => number): number {
  return quorum === undefined ? Number.POSITIVE_INFINITY : sizeFor(quorum, sizeOf)
}

function sizeFor (member: PolicyMember, sizeOf: (witness: PolicyWitness) => number): number {
  if ('key' in member) return sizeOf(member)
  return member.members.map(each => sizeFor(each, sizeOf)).sort((a, b) => b - a)[member.threshold - 1] ?? 0
}

/** Whether those who cosigned are the quorum. */
export function isQuorum (policy: Policy, cosigned: ReadonlySet<PolicyWitness>): boolean {
  return quorumSize(policy, witness => cosigned.has(witness) ? 1 : 0) >= 1
}

/** The witnesses that the quorum is made of; others in the file count for nothing. */
export function quorumWitnesses ({ quorum }: Policy): PolicyWitness[] {
  const flatten = (member: PolicyMember): PolicyWitness[] => 'key' in member ? [member] : member.members.flatMap(flatten)
  return quorum === undefined ? [] : flatten(quorum)
}
