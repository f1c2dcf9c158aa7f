import type { Command } from 'commander'
import type { StatusBody } from '../../http/admin/wire.ts'
import { Failure } from '../failure.ts'
import { renderFields, type Field, type View } from '../layout.ts'
import type { Run, Session } from '../session.ts'

interface Versions {
  readonly client: { readonly version: string }
  /** Null when the daemon could not be asked. */
  readonly daemon: Pick<StatusBody, 'version' | 'git_sha'> | null
}

export function addVersion (program: Command, run: Run): void {
  program.command('version')
    .description('print the versions of ronctl and of the daemon')
    .addHelpText('after', '\nOur own is printed in any case. --json prints {"client": {"version"}, "daemon": {"version", "git_sha"} or null}.')
    .action(run(async (session) => {
      const daemon = await askDaemon(session)
      const versions: Versions = { client: { version: session.host.version }, daemon: daemon instanceof Failure ? null : daemon }
      session.out.answer(versions, render)
      if (daemon instanceof Failure) throw daemon
      return 'ok'
    }))
}

async function askDaemon ({ client }: Session): Promise<Pick<StatusBody, 'version' | 'git_sha'> | Failure> {
  try {
    const { version, git_sha: gitSha } = await client.status()
    return { version, git_sha: gitSha }
  } catch (err) {
    if (err instanceof Failure) return err
    throw err
  }
}

function render ({ client, daemon }: Versions, view: View): string {
  const fields: Field[] = [['ronctl', client.version]]
  if (daemon !== null) fields.push(['svc-dht', `${daemon.version} (${daemon.git_sha})`])
  return renderFields(fields, view)
}
