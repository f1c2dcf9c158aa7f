import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { fetchState } from '../../governance/agreed.ts'
import { renderTable } from '../../layout.ts'
import { parseAge } from '../../options.ts'
import type { Run } from '../../session.ts'
import { formatDuration, formatMoment } from '../../text.ts'
import { addProposalOptions, propose, type ProposeOptions } from './propose.ts'

const DAY_MS = 86_400_000

interface OverrideOptions extends ProposeOptions { readonly for: number, readonly id?: string }

/** Exceptions for a while. */
export function addOverride (governance: Command, run: Run): void {
  const override = governance.command('override').description('exceptions that end by themselves, within 7 days')
  addKind(override, run, 'allow-peer', '<peer>', 'let a peer in, whatever the lists say', peer => ({ peer_id: peer }))
  addKind(override, run, 'deny-peer', '<peer>', 'keep a peer out, whatever the lists say', peer => ({ peer_id: peer }))
  addKind(override, run, 'provider-ttl', '<duration>', 'let providers live for longer than 48h', ttl => ({ ttl_ms: parseAge(ttl) }))
  const end = override.command('end')
    .description('propose to end an override before it ends by itself')
    .argument('<id>', 'of the override')
    .requiredOption('--reason <text>', 'why')
  addProposalOptions(end).action(run(async (session, id: string, options: ProposeOptions) =>
    await propose(session, { section: 'overrides', change: { op: 'end', id } }, options)))
  override.command('list')
    .description('show the overrides in force')
    .addHelpText('after', '\n--json prints {"active"}: the section as it is agreed.')
    .action(run(async ({ client, out }) => {
      const { active } = (await fetchState(client)).sections.overrides
      out.answer({ active }, ({ active }, view) => active.length === 0
        ? 'no overrides\n'
        : renderTable(['id', 'kind', 'what', 'ends'].map(title => ({ title })), active.map(({ id, kind, peer_id: peer, ttl_ms: ttl, ends_at: ends }) => [id, kind, peer ?? formatDuration(ttl ?? 0), formatMoment(new Date(ends).toISOString(), view.now)]), view))
      return 'ok'
    }))
}

function addKind (override: Command, run: Run, kind: string, argument: string, description: string, toFields: (value: string) => object): void {
  const command = override.command(kind)
    .description(`propose to ${description}`)
    .argument(argument)
    .requiredOption('--reason <text>', 'why')
    .option('--for <duration>', 'after which it ends by itself', parseAge, DAY_MS)
    .option('--id <name>', 'its name (default: a random one)')
  addProposalOptions(command)
    .addHelpText('after', '\n--json prints the answer of POST /v1/governance/proposals.')
    .action(run(async (session, value: string, { for: durationMs, id = `${kind}-${randomBytes(4).toString('hex')}`, ...options }: OverrideOptions) =>
      await propose(session, { section: 'overrides', change: { op: 'grant', override: { id, kind, ...toFields(value) }, duration_ms: durationMs } }, options)))
}
