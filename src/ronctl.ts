import { runCommandLine } from './cli/run.ts'
import { SYSTEM_SERVICE } from './cli/system-service.ts'
import type { ConfigCheck, Screen } from './cli/host.ts'
import { createTerminal } from './cli/terminal.ts'
import { ConfigError, loadConfig, readConfigFile, readEnvironment } from './config/load.ts'
import { readVersion } from './config/version.ts'
import { configDigest } from './config/view.ts'

// The operator's command line. This file alone touches the process; `cli/` decides what happens.

const unread = new AbortController()

process.exitCode = await runCommandLine({
  args: process.argv.slice(2),
  env: readEnvironment(),
  uid: process.getuid?.() ?? 0,
  service: SYSTEM_SERVICE,
  version: readVersion().version,
  stdout: toScreen(process.stdout),
  stderr: toScreen(process.stderr),
  signal: unread.signal,
  now: Date.now,
  config: { checkFile },
  terminal: createTerminal(process.stdin, process.stderr),
})

/** A reader that leaves early, as `head` does, ends the command without a word. */
function toScreen (stream: NodeJS.WriteStream): Screen {
  stream.on('error', (err: NodeJS.ErrnoException) => {
    if (err.code !== 'EPIPE') throw err
    unread.abort()
  })
  return {
    isTerminal: stream.isTTY === true,
    get columns () { return stream.columns },
    write: text => { stream.write(text) },
  }
}

function checkFile (path: string): ConfigCheck {
  try {
    return { digest: configDigest(loadConfig({ file: readConfigFile(path) })) }
  } catch (err) {
    if (err instanceof ConfigError) return { mistakes: err.mistakes }
    throw err
  }
}
