import fc from 'fast-check'
import t from 'tap'
import { formatVerifierKey } from '../../../src/audit/format/note.ts'
import { isQuorum, MAX_POLICY_BYTES, parsePolicy, PolicyError, quorumSize, quorumWitnesses, type Policy } from '../../../src/audit/format/policy.ts'
import { only } from '../../patterns.ts'
import { KEYS } from '../logs.ts'
import { createWitnessKey } from '../witness/keys.ts'

const [LOG = '', LOG_ML_DSA = ''] = KEYS.map(formatVerifierKey)
const WITNESSES = Array.from({ length: 6 }, (_, at) => createWitnessKey(`w${at}.example`).vkey)
const [A = '', B = '', C = '', D = '', E = '', F = ''] = WITNESSES

const parse = (text: string): Policy => parsePolicy(Buffer.from(text))
const cosigned = (policy: Policy, ...names: readonly string[]): boolean => isQuorum(policy, new Set(policy.witnesses.filter(({ name }) => names.includes(name))))

/** What is said of a file. */
function mistakes (text: string | Uint8Array): readonly string[] {
  try {
    parsePolicy(Buffer.from(text))
    return []
  } catch (err) {
    if (err instanceof PolicyError) return err.mistakes
    throw err
  }
}

t.test('the example of the tlog-policy specification means what it says: two of X and any of Y', async t => {
  const policy = parse(`log ${LOG}\n\nwitness X1 ${A}\nwitness X2 ${B}\nwitness X3 ${C}\ngroup X-witnesses 2 X1 X2 X3\n\nwitness Y1 ${D}\nwitness Y2 ${E}\nwitness Y3 ${F}\n` +
    'group Y-witnesses any Y1 Y2 Y3\n\ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n')
  t.equal(policy.logs.length, 1)
  t.ok(cosigned(policy, 'X1', 'X3', 'Y2'))
  t.notOk(cosigned(policy, 'X1', 'X2', 'X3'))
  t.notOk(cosigned(policy, 'X1', 'Y1', 'Y2', 'Y3'))
  t.strictSame(quorumWitnesses(policy).map(({ name }) => name), ['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3'])
})

t.test('remarks, empty lines, tabs, spaces around, URLs and octets beyond ASCII are taken as they are', async t => {
  const policy = parse(`# ünser\n\n \t\n\t log\t${LOG_ML_DSA}  https://log.example/ \n  # indented\nwitness zeugë ${A} https://w.example/sub\nquorum zeugë\n`)
  t.match(policy, { logs: only({ url: 'https://log.example/' }), witnesses: only({ name: 'zeugë', url: 'https://w.example/sub', line: 6 }), quorum: { name: 'zeugë' } })
  const octets = Buffer.concat([Buffer.from('witness '), Buffer.from([0xff]), Buffer.from(` ${A}\nwitness `), Buffer.from([0xfe]), Buffer.from(` ${B}\nquorum `), Buffer.from([0xfe, 0x0a])])
  t.strictSame(parsePolicy(octets).quorum, parsePolicy(octets).witnesses[1], 'two names that are no UTF-8 are two names')
})

t.test('a quorum of none is always there, and its witnesses count for nothing', async t => {
  const policy = parse(`witness a ${A}\nquorum none\n`)
  t.ok(cosigned(policy))
  t.strictSame(quorumWitnesses(policy), [])
})

t.test('every mistake is named with its line, all at once', async t => {
  const short = `${A.slice(0, 20)}\n`
  t.strictSame(mistakes(`log\nlog ${A}\nwitness a ${LOG}\nwitness none ${B}\nwitness b ${B} https://x y\nwitness c ${short}nonsense "\n`), [
    'line 1: a log is `log <vkey> [<url>]`',
    'line 2: the key has the signature type 4, which is not for this',
    'line 3: the key has the signature type 1, which is not for this',
    'line 4: the name none is taken',
    'line 5: a witness is `witness <name> <vkey> [<url>]`',
    'line 6: the key cannot be used: its signature type is not known',
    'line 7: "nonsense" is not log, witness, group or quorum',
    'there is no quorum line',
  ])
  t.strictSame(mistakes(`witness a ${A}\nwitness a ${B}\nwitness b ${A}\nwitness c ${C}\ngroup g 3 a c\ngroup h 0 a\ngroup i 01 c\ngroup j any nobody\ngroup k any a a\ngroup l\nquorum g\nquorum a\n`), [
    'line 2: "a" is defined already',
    'line 3: the key is on a line before',
    'line 5: "3" is not all, any or a number from 1 to 2',
    'line 6: "a" is a member of a group already',
    'line 6: "0" is not all, any or a number from 1 to 1',
    'line 7: "c" is a member of a group already',
    'line 7: "01" is not all, any or a number from 1 to 1',
    'line 8: "nobody" is not defined above',
    'line 9: "a" is a member of a group already',
    'line 9: "a" is a member of a group already',
    'line 10: a group is `group <name> all|any|<k> <name>...`',
    'line 12: the quorum is on line 11 already',
  ])
  t.strictSame(mistakes(`quorum g\ngroup g any a\nwitness a ${A}\n`), ['line 1: "g" is not defined above', 'line 2: "a" is not defined above'], 'what comes later is not there yet')
  t.strictSame(mistakes(''), ['there is no quorum line'])
  t.strictSame(mistakes('quorum none'), ['line 1: the line does not end', 'there is no quorum line'], 'a file that was cut off is not a shorter policy')
  t.strictSame(mistakes('quorum none\r\n'), ['line 1: it has a control character', 'there is no quorum line'])
})

t.test('the key of one witness in two shapes is one witness', async t => {
  const key = createWitnessKey('a.example')
  t.strictSame(mistakes(`witness a ${key.vkey}\nwitness b ${formatVerifierKey({ ...key, name: 'b.example' })}\nquorum none\n`), ['line 2: the key is on a line before'])
})

t.test('a policy has bounds, and its mistakes too', async t => {
  t.match(mistakes(Buffer.alloc(MAX_POLICY_BYTES + 1, 0x0a)), only(/more than 524288 bytes/))
  t.match(mistakes('\n'.repeat(5000)), only(/more than 4096 lines/))
  t.equal(mistakes('x\n'.repeat(100)).length, 20)
  const many = Array.from({ length: 49 }, (_, at) => `witness w${at} ${createWitnessKey(`w${at}`).vkey}\n`).join('')
  t.strictSame(mistakes(`${many}quorum w0\n`), ['line 49: there are more than 48 witnesses'])
})

t.test('whatever the octets, a policy or its mistakes come out', async t => {
  const word = fc.oneof(fc.constantFrom('log', 'witness', 'group', 'quorum', 'none', 'all', 'any', '1', '2', 'a', 'b', 'g', '#', '\t', LOG, A, B), fc.string({ maxLength: 8 }))
  const line = fc.array(word, { maxLength: 6 }).map(words => words.join(' '))
  let good = 0
  fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.array(line, { maxLength: 12 }).map(lines => Buffer.from(`${lines.join('\n')}\n`))), bytes => {
    const said = mistakes(bytes)
    if (said.length > 0) return said.every(mistake => mistake.length < 300)
    good++
    return quorumSize(parsePolicy(bytes), () => 1) >= 1
  }), { numRuns: 2000, examples: [[Buffer.from(`log ${LOG}\nquorum none\n`)]] })
  t.ok(good > 0)
})

t.test('more cosignatures never lose a quorum, and nobody outside it helps', async t => {
  const policy = parse(`witness a ${A}\nwitness b ${B}\nwitness c ${C}\nwitness d ${D}\nwitness out ${E}\ngroup g 2 a b c\ngroup h all g d\nquorum h\n`)
  const some = fc.subarray([...policy.witnesses])
  fc.assert(fc.property(some, some, (those, others) => {
    const [isMet, isMetByMore] = [those, [...those, ...others]].map(each => isQuorum(policy, new Set(each)))
    return (!isMet || isMetByMore === true) && isMet === isQuorum(policy, new Set(those.filter(({ name }) => name !== 'out')))
  }))
  const sizes = new Map([['a', 10], ['b', 7], ['c', 3], ['d', 8]])
  t.equal(quorumSize(policy, ({ name }) => sizes.get(name) ?? 0), 7)
})
