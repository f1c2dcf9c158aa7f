import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ROOT } from '../process.ts'

const FILE = readFileSync(join(ROOT, 'ops/container/Containerfile'), 'utf8')
const CONFIG = readFileSync(join(ROOT, 'config/macronode.toml'), 'utf8')

/** Instructions in order, lines that go on put together. */
const INSTRUCTIONS = FILE.replaceAll(/^#.*\n/gm, '').replaceAll('\\\n', ' ').split('\n').filter(line => line.trim() !== '').map(line => {
  const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? []
  return { name, rest }
})
const restOf = (name: string): string[] => INSTRUCTIONS.filter(one => one.name === name).map(({ rest }) => rest)
const lastStage = INSTRUCTIONS.slice(INSTRUCTIONS.findLastIndex(({ name }) => name === 'FROM'))

t.test('each base is named in full, of the Node that the package asks for, and fetched from nowhere else', async t => {
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { engines: { node: string } }
  const bases = restOf('FROM')
  t.equal(bases.length, 2)
  for (const base of bases) t.match(base, /^docker\.io\/library\/node:\d+-[a-z]+-slim(@sha256:[0-9a-f]{64})?( AS build)?$/)
  const majors = new Set(bases.map(base => /node:(\d+)/.exec(base)?.[1]))
  t.strictSame([...majors], ['24'], engines.node)
  t.strictSame(restOf('ADD'), [], 'ADD fetches and unpacks')
  t.notMatch(FILE, /curl |wget |:latest/)
})

t.test('it runs as nobody special, from what npm installs by the lock file, with no secret inside', async t => {
  t.strictSame(lastStage.filter(({ name }) => name === 'USER').map(({ rest }) => rest), ['node'])
  const afterUser = lastStage.slice(lastStage.findIndex(({ name }) => name === 'USER') + 1)
  t.strictSame(afterUser.filter(({ name }) => name === 'RUN' || name === 'COPY'), [], 'nothing is written after the user is set')
  t.match(restOf('RUN')[0], /^npm ci\b/)
  t.strictSame(restOf('ENV').filter(value => /pass|secret|token|key/i.test(value)), [])
  t.match(FILE, /--read-only --cap-drop=all --security-opt=no-new-privileges/)
})

t.test('what the daemon writes is in the volume, which is its user’s alone', async t => {
  const [volume = ''] = restOf('VOLUME')
  const written = [...CONFIG.matchAll(/^(?:dataDir|keyFile) = "([^"]+)"$/gm)].map(([, path = '']) => path)
  t.equal(written.length >= 2, true)
  for (const path of written) t.ok(path === volume || path.startsWith(`${volume}/`), path)
  t.match(restOf('RUN').at(-1), `install -d -m 0700 -o node -g node ${volume}`)
  t.match(restOf('ENTRYPOINT')[0], '"/etc/svc-dht/macronode.toml"')
  t.strictSame(restOf('ENV'), [`RONCTL_CAP=${/^dataDir = "([^"]+)"$/m.exec(CONFIG)?.[1] ?? ''}/owner.cap`], 'ronctl inside finds the owner’s capability')
})

t.test('the secret is where the configuration looks for it, and what is published is listened on', async t => {
  const passphraseFile = /^passphraseFile = "([^"]+)"$/m.exec(CONFIG)?.[1] ?? ''
  t.ok(FILE.includes(`target=${passphraseFile},mode=0400`))
  for (const [section, port] of [['PUBLIC', 7462], ['OPS', 9909]] as const) {
    t.match(FILE, `-e SVC_DHT_${section}_LISTEN=0.0.0.0:${port}`)
    t.match(FILE, `-p 127.0.0.1:${port}:${port}`)
  }
})

t.test('what the profile opens to the world is what the image publishes and both guides say to open, on both planes', async t => {
  const open = [...CONFIG.matchAll(/"(?:\/ip4\/0\.0\.0\.0\/(tcp|udp)\/|(0\.0\.0\.0):)(\d+)/g)].map(([, protocol = 'udp', , port = '']) => `${port}/${protocol}`).toSorted()
  t.strictSame(open, ['7460/tcp', '7460/udp', '7461/udp', '7464/tcp'])
  const exposed = restOf('EXPOSE').flatMap(rest => rest.split(' '))
  const [readme, guide] = ['README.md', 'ops/README.md'].map(name => readFileSync(join(ROOT, name), 'utf8'))
  const sentence = /Open (tcp [^;]*) to the world/.exec(readme ?? '')?.[1]
  t.equal(sentence, 'tcp 7460 and 7464 and udp 7460 and 7461')
  for (const where of open) {
    const [port, protocol] = where.split('/')
    t.ok(exposed.includes(where), `the image: ${where}`)
    t.match(FILE, `-p ${port}:${port}${protocol === 'udp' ? '/udp' : ' '}`, `its example: ${where}`)
    t.match(guide, new RegExp(`^\\| ${port} [a-z ]*${protocol}\\b[a-z ]*\\| everybody`, 'm'), `the guide: ${where}`)
  }
})

t.test('unit, profile and examples keep keys, data and passphrase in the same places', async t => {
  const unit = readFileSync(join(ROOT, 'ops/systemd/svc-dht.service'), 'utf8')
  const place = (text: string, key: string): string | undefined => new RegExp(`^${key} = "([^"]+)"$`, 'm').exec(text)?.[1]
  for (const file of ['config/macronode.toml', ...['dht1', 'dht2', 'dht3'].map(name => `ops/example/${name}.toml`)]) {
    const text = readFileSync(join(ROOT, file), 'utf8')
    t.equal(place(text, 'dataDir'), /node\.dataDir=(\S+)/.exec(unit)?.[1]?.replace('%S', '/var/lib'), file)
    t.ok(text.includes(`keyFile = "${/identity\.keyFile=(\S+)/.exec(unit)?.[1]?.replace('%S', '/var/lib') ?? '-'}"`), file)
    t.equal(place(text, 'passphraseFile'), /^LoadCredential=passphrase:(\S+)$/m.exec(unit)?.[1], file)
  }
})
