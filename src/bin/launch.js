import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

// Plain JavaScript, in words that Node has known since version 14: it must run far enough to say what is missing.

const NEEDED_MAJOR = 24
const HERE = dirname(fileURLToPath(import.meta.url))

/**
 * Runs `src/<name>.ts` of a checkout, else `dist/<name>.js` of the published package: here when this Node can, else in
 * the Node that `npm ci` brought, else not at all and with a sentence that says so.
 * @param {string} name the program, `svc-dht` or `ronctl`
 */
export function launch (name) {
  const entry = findEntry(name)
  if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) {
    import(pathToFileURL(entry).href).catch(error => { fail(`${name} did not start: ${error.stack}`) })
    return
  }
  const node = findNode()
  if (node === undefined) {
    fail(`${name} needs Node ${NEEDED_MAJOR} or newer; this is ${process.version}; install it, or run \`npm ci\` in the checkout, which brings it.`)
    return
  }
  runWith(node, [entry, ...process.argv.slice(2)])
}

function findEntry (name) {
  const source = join(HERE, '..', `${name}.ts`)
  return existsSync(source) ? source : join(HERE, '..', '..', 'dist', `${name}.js`)
}

function findNode () {
  try {
    const node = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node')
    return existsSync(node) ? node : undefined
  } catch {
    return undefined // the package is not installed
  }
}

/** Stands in for the child: passes signals on, and ends as it ends. */
function runWith (node, args) {
  const child = spawn(node, args, { stdio: 'inherit' })
  const forward = signal => {
    // From a terminal, Ctrl-C reaches the child too; a second one would look like impatience.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, forward)
  child.on('error', error => { fail(`${node} did not start: ${error.message}`) })
  child.on('exit', (code, signal) => {
    for (const each of signals) process.removeListener(each, forward)
    // What a shell makes of a signal; it also stands when someone in this process catches the one we send ourselves.
    process.exitCode = signal === null ? code : 128 + constants.signals[signal]
    if (signal !== null) process.kill(process.pid, signal)
  })
}

function fail (message) {
  process.stderr.write(`${message}\n`)
  process.exitCode = 1
}
