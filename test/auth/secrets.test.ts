import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { decodeToken } from '../../src/auth/macaroon/codec.ts'
import { openSealedIdentity } from '../../src/kms/identity.ts'
import { PURPOSES } from '../../src/kms/key-store.ts'
import { SealedKeyStore } from '../../src/kms/sealed-key-store.ts'
import { ronctl } from '../cli/ronctl.ts'
import { start } from '../process.ts'

// A macronode from its first start to the end of its second life, at its most talkative: nothing that it writes, says or keeps,
// but the owner's own file, holds a token, a key or the passphrase.

t.setTimeout(120_000)

const PASSPHRASE = 'correct horse battery staple'

/** A secret in each of the forms that a program would write it in. */
function formsOf (secret: Uint8Array): string[] {
  const bytes = Buffer.from(secret)
  return [bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url'), bytes.toString('latin1'), JSON.stringify([...bytes]).slice(1, -1)]
}

/** A token gives its bearer away by its text, and by its signature, from which the text can be made. */
function formsOfToken (token: string): string[] {
  return [token, token.slice(-40), ...formsOf(decodeToken(token).signature)]
}

/** Names of what holds one of the secrets. */
function holders (texts: ReadonlyMap<string, string>, secrets: readonly string[]): string[] {
  return [...texts].filter(([, text]) => secrets.some(secret => text.includes(secret))).map(([name]) => name).sort()
}

function macronode (t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const at = (name: string): string => join(folder, name)
  writeFileSync(at('passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 })
  const settings = {
    'log.level': 'trace',
    'node.profile': 'macronode',
    'node.dataDir': at('data'),
    'providers.store': 'persistent',
    'identity.keyFile': at('identity'),
    'identity.passphraseFile': at('passphrase'),
    'admin.listen': '127.0.0.1:0',
    'kad.listen': '/ip4/127.0.0.1/tcp/0',
    'kad.addresses': 'any',
    'public.listen': '127.0.0.1:0',
    'ops.listen': '127.0.0.1:0',
    'discv5.listen': '127.0.0.1:0',
  }
  /** One life, and all that was written and said in it, by name. */
  async function live (name: string, work: (run: (...args: readonly string[]) => ReturnType<typeof ronctl>, urls: { readonly admin: string, readonly public: string, readonly ops: string }, said: Map<string, string>) => Promise<void>): Promise<Map<string, string>> {
    const said = new Map<string, string>()
    const daemon = start(t, 'svc-dht', ['run', ...Object.entries(settings).flatMap(([path, value]) => ['--set', `${path}=${value}`])], { XDG_RUNTIME_DIR: at('run') })
    const printed = await daemon.printed(/"event":"started".*\n/)
    const started = JSON.parse(printed.split('\n').find(line => line.includes('"event":"started"')) ?? '') as { readonly admin: string, readonly admin_url: string, readonly public: string, readonly ops: string }
    const run = async (...args: readonly string[]) => {
      const ended = await ronctl(['--socket', started.admin, ...args])
      said.set(`${name}: ronctl ${args.join(' ')}`, `${ended.stdout}${ended.stderr}`)
      return ended
    }
    await work(run, { admin: started.admin_url, public: started.public, ops: started.ops }, said)
    said.set(`${name}: /metrics`, await (await fetch(`${started.ops}/metrics`)).text())
    daemon.child.kill('SIGTERM')
    const { code, stdout, stderr } = await daemon.exit
    t.equal(code, 0)
    t.ok(stdout.split('\n').length > 20 && stdout.includes('"level":"debug"'), 'the log is a talkative one')
    return said.set(`${name}: log`, stdout).set(`${name}: standard error`, stderr)
  }
  return { at, live }
}

t.test('in a whole life of a daemon nothing it writes, says or keeps holds a token, a key or the passphrase', async t => {
  const { at, live } = macronode(t)
  const tokens: string[] = []
  const taken = (name: string): string => {
    const token = readFileSync(at(name), 'utf8').trim()
    tokens.push(token)
    return token
  }
  const owner = at('data/owner.cap')

  const first = await live('first', async (run, urls, said) => {
    const ownerToken = taken('data/owner.cap')
    for (const role of ['auditor', 'owner']) t.match(await run('--cap', owner, 'cap', 'mint', '--memo', role, '--role', role, '--out', at(`${role}.cap`)), { exit: 0 })
    const auditor = taken('auditor.cap')
    taken('owner.cap')
    t.match(await run('--cap', at('auditor.cap'), 'status'), { exit: 0 })
    t.match(await run('cap', 'constrain', at('auditor.cap'), '--permission', 'status:read', '--out', at('narrow.cap')), { exit: 0 })
    taken('narrow.cap')
    t.match(await run('--cap', owner, 'cap', 'test', at('narrow.cap'), '--permission', 'cap:mint'), { exit: 1 })
    t.match(await run('--cap', owner, 'cap', 'list', '--json'), { exit: 0 })
    t.match(await run('--cap', owner, 'config', 'get', '--json'), { exit: 0 })

    // Wrong and misplaced ones: in another header, in a path, in a body, in a query, and in what is no HTTP at all.
    const wrong = `${ownerToken.slice(0, -8)}AAAAAAAA`
    tokens.push(wrong)
    const asked: ReadonlyArray<readonly [string, RequestInit]> = [
      [`${urls.admin}/v1/status`, { headers: { authorization: `Bearer ${wrong}` } }],
      [`${urls.admin}/v1/status`, { headers: { authorization: `Basic ${ownerToken}` } }],
      [`${urls.admin}/v1/status`, { headers: { authorization: `Bearer ${ownerToken} ${ownerToken}` } }],
      [`${urls.admin}/v1/status`, { headers: { 'x-capability': ownerToken } }],
      [`${urls.admin}/v1/records/${ownerToken}`, { headers: { authorization: `Bearer ${ownerToken}` } }],
      [`${urls.admin}/v1/caps/${ownerToken}`, { method: 'DELETE', headers: { authorization: `Bearer ${ownerToken}` } }],
      [`${urls.admin}/v1/events?topic=${ownerToken}`, { headers: { authorization: `Bearer ${ownerToken}` } }],
      [`${urls.admin}/v1/caps/test`, { method: 'POST', headers: { authorization: `Bearer ${ownerToken}`, 'content-type': 'application/json' }, body: `{"token":"${auditor}","permission":` }],
      [`${urls.public}/routing/v1/providers/${ownerToken}`, { headers: { authorization: `Bearer ${ownerToken}` } }],
      [`${urls.public}/${ownerToken}`, {}],
      [`${urls.ops}/${ownerToken}`, {}],
    ]
    for (const [index, [url, init]] of asked.entries()) {
      const response = await fetch(url, init)
      t.ok(response.status >= 400, `${index}: refused`)
      said.set(`request ${index}`, `${JSON.stringify([...response.headers])}${await response.text()}`)
    }
    const { stdout } = await run('--cap', at('auditor.cap'), 'cap', 'list', '--json')
    const { id = '' } = (JSON.parse(stdout) as { caps: ReadonlyArray<{ id: string, memo: string }> }).caps.find(({ memo }) => memo === 'auditor') ?? {}
    t.match(await run('--cap', owner, 'cap', 'revoke', id, '--reason', 'left'), { exit: 0 })
    t.match(await run('--cap', at('auditor.cap'), 'status'), { exit: 77 })
    t.match(await run('--cap', owner, 'cap', 'rotate-root', 'prepare', '--reason', 'yearly'), { exit: 0 })
    t.match(await run('--cap', owner, 'cap', 'mint', '--memo', 'next', '--role', 'owner', '--out', at('next.cap')), { exit: 0 })
    taken('next.cap')
    t.match(await run('--cap', at('next.cap'), 'audit', 'log', '--json'), { exit: 0 })
  })
  const keys: Uint8Array[] = []
  const read = async (): Promise<void> => { // a root that is retired is gone afterwards
    const store = await SealedKeyStore.open(at('data/keys'), Buffer.from(PASSPHRASE))
    for (const purpose of PURPOSES) for (const version of store.versions(purpose)) keys.push(await store.load(purpose, version))
  }
  await read()
  t.match(await ronctl(['cap', 'mint', '--offline', at('data'), '--passphrase-file', at('passphrase'), '--memo', 'beside', '--role', 'ops', '--out', at('beside.cap')]), { exit: 0 })
  taken('beside.cap')
  const second = await live('second', async run => {
    t.match(await run('--cap', at('beside.cap'), 'status'), { exit: 0 })
    t.match(await run('--cap', at('next.cap'), 'cap', 'rotate-root', 'retire', '--reason', 'yearly'), { exit: 0 })
    t.match(await run('--cap', owner, 'status'), { exit: 77 }, 'went with the old root')
  })
  await read()
  keys.push((await openSealedIdentity(at('identity'), at('passphrase'))).ed25519Key().subarray(0, 32))

  const kept = new Map(readdirSync(at('data'), { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
    .map(entry => [join(entry.parentPath, entry.name).slice(at('').length + 1), readFileSync(join(entry.parentPath, entry.name), 'latin1')]))
  t.ok([...kept.keys()].some(name => name.startsWith('data/audit/')), 'the audit log is looked at')
  t.ok(keys.length >= 4 && tokens.length >= 6)
  const all = new Map([...first, ...second, ...kept])
  t.strictSame(holders(all, tokens.flatMap(formsOfToken)), ['data/owner.cap'], 'and the search finds what is there')
  t.strictSame(holders(all, keys.flatMap(formsOf)), [])
  t.strictSame(holders(all, [PASSPHRASE, ...formsOf(Buffer.from(PASSPHRASE))]), [])
})
