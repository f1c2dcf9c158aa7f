import type { Command } from 'commander'
import type { ConfigBody } from '../../http/admin/wire.ts'
import { Failure } from '../failure.ts'
import type { ConfigCheck } from '../host.ts'
import { renderFields } from '../layout.ts'
import type { Run } from '../session.ts'
import { printable } from '../text.ts'

export function addConfig (program: Command, run: Run): void {
  const config = program.command('config').description('compare, check and read configurations')
  addHash(config, run)
  addCheck(config, run)
  addGet(config, run)
}

function addHash (config: Command, run: Run): void {
  config.command('hash')
    .description('print the digest of a configuration: the daemon’s, or what a file would give')
    .option('--file <path>', 'a configuration file, read without asking the daemon')
    .addHelpText('after', '\nA file is read with the defaults alone: no flags, no variables. --json prints {"digest"}.')
    .action(run(async ({ client, out, host }, { file }: { readonly file?: string }) => {
      const body = file === undefined ? await client.configDigest() : { digest: digestOf(file, host.config.checkFile(file)) }
      out.answer(body, ({ digest }) => `${printable(digest)}\n`)
      return 'ok'
    }))
}

function addCheck (config: Command, run: Run): void {
  config.command('check')
    .description('find every mistake in a configuration file; exits with 78 when there is one')
    .requiredOption('--file <path>', 'the configuration file')
    .addHelpText('after', '\nThe daemon is not asked. --json prints {"valid", "digest"} or {"valid", "mistakes"}.')
    .action(run(async ({ out, host }, { file }: { readonly file: string }) => {
      const check = host.config.checkFile(file)
      const isValid = 'digest' in check
      out.answer({ valid: isValid, ...check }, () => isValid
        ? `${printable(file)} is valid: ${check.digest}\n`
        : check.mistakes.map(mistake => `${printable(mistake)}\n`).join(''))
      return isValid ? 'ok' : 'config'
    }))
}

const GET_NOTES = `
Values in force. One setting is printed as its value alone. Where the configuration gives a governed setting another value, what governance
agreed on holds: a note says so, on stderr for one setting. --json prints {"digest", "settings", "drift": {path: {"configured", "in_force"}}} with the
settings asked for.`

function addGet (config: Command, run: Run): void {
  config.command('get')
    .description('print the daemon’s settings: all, a section or one')
    .argument('[path]', 'a setting such as kad.bucketSize, or a section such as kad')
    .addHelpText('after', GET_NOTES)
    .action(run(async ({ client, out }, path: string | undefined) => {
      const { digest, settings, drift } = await client.config()
      const chosen = Object.entries(settings).filter(([name]) => path === undefined || name === path || name.startsWith(`${path}.`))
      if (chosen.length === 0) throw new Failure(`There is no setting ${path}.`, { exit: 'negative', code: 'NotFound', hint: 'See `ronctl config get` for all.' })
      const own = Object.fromEntries(Object.entries(drift).filter(([name]) => chosen.some(([other]) => other === name)))
      const body: ConfigBody = { digest, settings: Object.fromEntries(chosen), drift: own }
      const isOne = path !== undefined && Object.hasOwn(settings, path)
      out.answer(body, (_, view) => isOne ? `${printable(settings[path] ?? '')}\n` : renderFields(chosen.map(([name, value]) => [name, `${value}${noteOf(own[name])}`]), view))
      if (isOne && own[path] !== undefined) out.remark(printable(`${path}${noteOf(own[path])}`))
      return 'ok'
    }))
}

/** What is to be said beside a value that holds against the configuration. */
function noteOf (drift: ConfigBody['drift'][string] | undefined): string {
  return drift === undefined ? '' : ` (governance holds; configured: ${drift.configured === '' ? 'none' : drift.configured})`
}

function digestOf (file: string, check: ConfigCheck): string {
  if ('digest' in check) return check.digest
  throw new Failure(`${file} has mistakes: ${check.mistakes.join('; ')}`, { exit: 'config', code: 'BadConfig', hint: 'See `ronctl config check`.' })
}
