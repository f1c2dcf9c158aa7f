import { globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'

const SRC = join(import.meta.dirname, '../src')

/** Folder → folders it may import. `core` is open to all, and a folder may import itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: [],
  policy: [],
  audit: [],
  kms: [],
  auth: ['policy', 'kms'],
  governance: ['audit', 'policy', 'kms'],
  kad: ['policy', 'kms'],
  discv5: ['policy', 'kms'],
  bridge: ['kad', 'discv5'],
  lookup: [],
  observability: [],
  http: ['auth', 'policy', 'lookup', 'governance', 'audit', 'kms'],
  cli: ['auth'],
}

/** Import everything, and are imported by nobody but each other. */
const ROOTS = ['compose.ts', 'compose', 'svc-dht.ts', 'ronctl.ts', 'dev', 'bin']

/** Folders with edges: they may use the types of `observability`, never its values. */
const MAY_USE_OBSERVABILITY_TYPES = ['kad', 'discv5', 'bridge', 'lookup', 'http', 'auth', 'governance', 'audit', 'kms']

for (const folder of readdirSync(SRC, { withFileTypes: true }).filter(entry => entry.isDirectory()).map(({ name }) => name).filter(name => !ROOTS.includes(name))) {
  t.test(`${folder} imports only what it may`, async t => {
    const allowed = MAY_IMPORT[folder]
    if (allowed === undefined) return t.fail(`src/${folder} has no row in the table of who may import whom`)
    for (const { file, target, to, isType } of importsOf(folder)) {
      const isAllowed = to === folder || to === 'core' || allowed.includes(to) ||
        (isType && to === 'observability' && MAY_USE_OBSERVABILITY_TYPES.includes(folder)) ||
        (isType && folder === 'cli' && /http\/admin\/wire(-\w+)?\.ts$/.test(target)) ||
        // Decision 0024: whoever verifies a log asks no daemon, so the rules for it are here too; they are pure.
        // And a node record is its own proof.
        (folder === 'cli' && /\/discv5\/(enr\/record|ip|malformed|secp256k1)\.ts$/.test(target)) ||
        // Decision 0026: what is signed away from the daemon is built, judged and shown by the same rules.
        (folder === 'cli' && /\/governance\/(actor|entitled|envelope|form|genesis|ledger|quorum|signer|signer-key|signer-memory|signing|state|statement|step|replay|sections\/[\w-]+)\.ts$/.test(target)) ||
        (folder === 'cli' && /\/audit\/(scan\.ts|format\/[\w-]+\.ts)$/.test(target))
      t.ok(isAllowed, `${file} → ${target}`)
    }
  })
}

t.test('the imports are seen: compose, which is free, imports every component', async t => {
  const seen = new Set(importsOf('.').filter(({ file }) => file === 'compose.ts' || file.startsWith('compose/')).map(({ to }) => to))
  for (const folder of ['kad', 'lookup', 'http', 'config']) t.ok(seen.has(folder), folder)
})

t.test('nobody imports the roots', async t => {
  for (const { file, target } of importsOf('.').filter(({ to }) => ROOTS.includes(to))) {
    const isRoot = ROOTS.some(root => file === root || file.startsWith(`${root}/`))
    t.ok(isRoot, `${file} → ${target}`)
  }
})

interface Import { readonly file: string, readonly target: string, readonly to: string, readonly isType: boolean }

function importsOf (folder: string): Import[] {
  return globSync(`${folder}/**/*.ts`, { cwd: SRC }).flatMap(file => {
    const source = readFileSync(join(SRC, file), 'utf8')
    return [...source.matchAll(/^(import|export) (type )?[^'\n]*(?:\n[^'\n]*)*?from '(\.[^']+)'/gm)].map(([, , type, target = '']) => {
      const [to = ''] = relative(SRC, join(SRC, dirname(file), target)).split('/')
      return { file, target, to, isType: type !== undefined }
    })
  })
}
