import { CommanderError } from 'commander'
import { readCapability } from './capability.ts'
import { AdminClient } from './client.ts'
import { EXIT, type Exit } from './exit-codes.ts'
import { toErrorBody, toFailure, usageFailure, type Failure } from './failure.ts'
import type { Host } from './host.ts'
import { Output } from './output.ts'
import { createProgram, type GlobalOptions } from './program.ts'
import type { Run } from './session.ts'
import { capabilityBeside, findSocket } from './system-service.ts'
import { printable, toJsonLine } from './text.ts'

/** Runs one command line to its end. Never throws; the answer is the exit code. */
export async function runCommandLine (host: Host): Promise<number> {
  let exit: Exit = 'ok'
  const run: Run = work => async (...args) => {
    const { json, socket, cap } = program.opts<GlobalOptions>()
    const socketPath = findSocket(host, socket)
    const client = new AdminClient({ socketPath, capability: () => readCapability(cap, host.env, capabilityBeside(socketPath, host.service)), signal: host.signal })
    exit = await work({ client, out: new Output(host, { isJson: json === true }), host }, ...args)
  }
  const program = createProgram(host, run)
  try {
    await program.parseAsync(host.args, { from: 'user' })
  } catch (err) {
    if (host.signal.aborted) return EXIT.ok.code // nobody reads our output any more: as if cut by SIGPIPE, but in peace
    if (err instanceof CommanderError && err.exitCode === 0) return EXIT.ok.code // help or version
    const failure = err instanceof CommanderError ? toUsageFailure(err) : toFailure(err)
    report(failure, host)
    exit = failure.exit
  }
  return EXIT[exit].code
}

function toUsageFailure (err: CommanderError): Failure {
  // commander.help: no command was given, and the help page is printed already.
  if (err.code === 'commander.help') return usageFailure('A command is missing.')
  // Two lines at most: what is wrong, and a similar word in parentheses.
  const [message = '', similar] = err.message.replace(/^error: /, '').split('\n')
  return usageFailure(message, similar ?? 'See `ronctl --help`.')
}

function report (failure: Failure, { args, stderr, now }: Host): void {
  // Not from the parsed options: the mistake may be in them.
  if (args.includes('--json')) return stderr.write(`${toJsonLine(toErrorBody(failure, now()))}\n`)
  stderr.write(`ronctl: ${printable(failure.message)}\n${failure.hint === undefined ? '' : `${printable(failure.hint)}\n`}`)
}
