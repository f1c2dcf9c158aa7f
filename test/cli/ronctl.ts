import type { ConfigCheck } from '../../src/cli/host.ts'
import { runCommandLine } from '../../src/cli/run.ts'
import type { ServicePlaces } from '../../src/cli/system-service.ts'
import { NOW } from '../http/admin/fake-daemon.ts'

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>
  /** Width of the terminal that both outputs are; absent: both are piped. */
  readonly columns?: number
  readonly signal?: AbortSignal
  readonly checkFile?: (path: string) => ConfigCheck
  /** What a person answers, question by question; nobody is there when absent. */
  readonly answers?: readonly string[]
  readonly now?: () => number
  readonly service?: ServicePlaces
  readonly onStdout?: (text: string) => void
  readonly onStderr?: (text: string) => void
}

export interface Ended { readonly exit: number, readonly stdout: string, readonly stderr: string, readonly asked: readonly string[] }

/** Runs a command line in this process, with every edge in our hands. */
export async function ronctl (args: readonly string[], surroundings: Surroundings = {}): Promise<Ended> {
  const { env = {}, columns, signal = new AbortController().signal, checkFile = () => ({ mistakes: ['not asked for'] }), answers, service, now = () => NOW, onStdout, onStderr } = surroundings
  const written = { stdout: '', stderr: '' }
  const screen = (name: keyof typeof written, onWrite?: (text: string) => void) => ({
    isTerminal: columns !== undefined,
    columns: columns ?? 0,
    write: (text: string) => {
      written[name] += text
      onWrite?.(text)
    },
  })
  const asked: string[] = []
  const left = [...answers ?? []]
  const exit = await runCommandLine({
    args,
    env,
    uid: 1000,
    service,
    version: '9.9.9',
    stdout: screen('stdout', onStdout),
    stderr: screen('stderr', onStderr),
    signal,
    now,
    config: { checkFile },
    terminal: {
      isThere: answers !== undefined,
      ask: async (question, { isHidden = false } = {}) => {
        asked.push(isHidden ? `${question}(hidden)` : question)
        return left.shift()
      },
    },
    keyWork: { memoryKib: 64, passes: 1, lanes: 1 },
  })
  // Not among the keys: most tests are about what was printed, and say all of it.
  return Object.defineProperty({ exit, ...written, asked }, 'asked', { enumerable: false })
}

/** The JSON lines of an output. */
export function jsonLines (text: string): unknown[] {
  return text.split('\n').filter(line => line !== '').map(line => JSON.parse(line) as unknown)
}
