import type { Command } from 'commander'
import { toKeyText } from '../../core/key.ts'
import type { ProvideBody } from '../../http/admin/wire.ts'
import { renderFields, type View } from '../layout.ts'
import { parseTtl } from '../options.ts'
import type { Run, Session } from '../session.ts'
import { hashFile, resolveTarget, type Target } from '../targets.ts'
import { count, formatBytes, formatMoment } from '../text.ts'

const NOTES = `
A file is published under its content address, the BLAKE3-256 of its bytes; the bytes stay where they are. Text that can
be read as a key is a key: write ./NAME for a file of such a name. Nothing is published unless every argument makes sense.
--json prints one line a target, in the order given: the answer of POST /v1/providers.`

export function addProvide (program: Command, run: Run): void {
  program.command('provide')
    .description('announce to the network that this daemon provides keys or files')
    .argument('<file|key...>', 'a file to hash, or a CID, a multihash or b3:<hex>')
    .option('--ttl <duration>', 'how long to announce it: 90s, 45m, 12h, 1h30m (default: the daemon’s)', parseTtl)
    .option('-q, --quiet', 'print the key alone, one a line')
    .addHelpText('after', NOTES)
    .action(run(async (session, texts: readonly string[], { ttl, quiet = false }: { readonly ttl?: number, readonly quiet?: boolean }) => {
      const targets: Target[] = []
      for (const text of texts) targets.push(await resolveTarget(text, session.out))
      for (const target of targets) await provide(session, target, { ttlSeconds: ttl, isQuiet: quiet })
      return 'ok'
    }))
}

async function provide ({ client, out }: Session, target: Target, { ttlSeconds, isQuiet }: { readonly ttlSeconds: number | undefined, readonly isQuiet: boolean }): Promise<void> {
  const key = target.kind === 'key' ? target.text : toKeyText(await hashFile(target.path, target.sizeBytes, out))
  out.progress(`announcing ${key}`)
  const body = await client.provide({ key, ...(ttlSeconds !== undefined && { ttl_seconds: ttlSeconds }) })
  out.answer(body, (body, view) => isQuiet ? body.key : render(body, target, view))
}

function render (body: ProvideBody, target: Target, view: View): string {
  const { key, cid, expires_at: expiresAt, created, reached, attempted } = body
  return renderFields([
    ['key', key],
    ['CID', cid],
    ...(target.kind === 'file' ? [['file', `${target.path} (${formatBytes(target.sizeBytes)})`] as const] : []),
    ['expires', `${formatMoment(expiresAt, view.now)} (${expiresAt})${created ? '' : '; extended'}`],
    ['taken by', `${reached} of ${count(attempted, 'peer')}`],
  ], view)
}
