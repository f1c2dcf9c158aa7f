import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Test } from 'tap'

export const ROOT = join(import.meta.dirname, '..')

export interface Exit { readonly code: number | null, readonly signal: NodeJS.Signals | null, readonly stdout: string, readonly stderr: string }

export interface Running {
  readonly child: ChildProcess
  readonly exit: Promise<Exit>
  /** Resolves with the output so far once it matches. */
  printed (pattern: RegExp): Promise<string>
}

/** Starts one of our programs in this Node, with an environment of its own. Killed when the test ends. */
export function start (t: Test, program: 'svc-dht' | 'ronctl', args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  return startCommand(t, process.execPath, [join(ROOT, 'src', `${program}.ts`), ...args], env)
}

export function startCommand (t: Test, command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(command, args, { cwd: ROOT, env: { ...inherited(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => { child.kill('SIGKILL') })
  const output = { stdout: '', stderr: '' }
  const changed = new EventTarget()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk
      changed.dispatchEvent(new Event('change'))
    })
  }
  const exit = once(child, 'close').then(([code, signal]): Exit => ({ code, signal, ...output }))
  async function printed (pattern: RegExp): Promise<string> {
    while (!pattern.test(output.stdout)) {
      const ended = await Promise.race([exit, once(changed, 'change').then(() => undefined)])
      if (ended !== undefined && !pattern.test(output.stdout)) throw new Error(`ended without ${pattern}: ${output.stdout}${output.stderr}`)
    }
    return output.stdout
  }
  return { child, exit, printed }
}

/** What a program needs of our environment, without settings that a developer may have in theirs. */
function inherited (): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(SVC_DHT_|RONCTL_|XDG_RUNTIME_DIR$)/.test(name)))
}
