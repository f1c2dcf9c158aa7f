import type { Command } from 'commander'
import type { CapBody, CapMintBody, CapPermissionsBody, CapRevokeRequest, CapRotateBody, CapTestBody } from '../../../http/admin/wire.ts'
import { readTokenFile } from '../../capability.ts'
import { usageFailure } from '../../failure.ts'
import { renderFields, renderTable, type View } from '../../layout.ts'
import type { Run } from '../../session.ts'
import { mintAtRest, type MintedAtRest } from './offline.ts'
import { writeTokenFile } from './token-file.ts'

/** More pages than a daemon keeps capabilities: the loop ends. */
const MAX_PAGES = 100

interface MintOptions {
  readonly memo: string
  readonly role?: string
  readonly permission?: readonly string[]
  readonly caveat?: readonly string[]
  readonly expires?: string
  readonly out: string
  readonly offline?: string
  readonly passphraseFile?: string
}

interface RevokeOptions { readonly family?: true, readonly before?: string, readonly reason: string }

interface TestOptions { readonly permission: string, readonly ip?: string, readonly at?: string, readonly proposal?: string }

/** What the daemon does with capabilities; it alone has their keys. */
export function addOnline (cap: Command, run: Run): void {
  addMint(cap, run)
  addList(cap, run)
  addRevoke(cap, run)
  addTest(cap, run)
  cap.command('permissions')
    .description('show what a capability can allow, and which role has what')
    .action(run(async ({ client, out }) => {
      out.answer(await client.permissions(), renderPermissions)
      return 'ok'
    }))
  const rotate = cap.command('rotate-root').description('change the root key of all capabilities, in two steps')
  for (const [phase, description] of [['prepare', 'make the new root; what is minted from now on comes from it'], ['retire', 'end every capability of the old roots; yours must be of the new one']] as const) {
    rotate.command(phase)
      .description(description)
      .requiredOption('--reason <text>', 'why; it goes into the audit log')
      .action(run(async ({ client, out }, { reason }: { readonly reason: string }) => {
        out.answer(await client.rotateRoot({ phase, reason }), renderRotation)
        return 'ok'
      }))
  }
}

function addMint (cap: Command, run: Run): void {
  cap.command('mint')
    .description('mint a capability that allows no more than yours')
    .requiredOption('--memo <text>', 'who gets it, and for what')
    .option('--role <name>', 'what a role may do: owner, ops, security or auditor')
    .option('--permission <name...>', 'these permissions instead, as provider:write')
    .option('--caveat <text...>', 'conditions, as "ip=10.0.0.0/8"')
    .option('--expires <time>', 'until when, as 2030-01-01T00:00Z')
    .requiredOption('--out <path>', 'new file for it, which only you can read')
    .option('--offline <folder>', 'ask no daemon, but use the keys in its node.dataDir; good from its next start on')
    .option('--passphrase-file <path>', 'with --offline: the daemon’s identity.passphraseFile')
    .action(run(async ({ client, out, host }, { memo, role, permission, caveat, expires, out: path, offline, passphraseFile }: MintOptions) => {
      if ((role === undefined) === (permission === undefined)) throw usageFailure('Give --role or --permission, and not both.')
      if ((offline === undefined) !== (passphraseFile === undefined)) throw usageFailure('--offline and --passphrase-file go together.', 'They are node.dataDir and identity.passphraseFile of the daemon.')
      if (offline !== undefined && passphraseFile !== undefined) {
        const minted = await mintAtRest({ dataDir: offline, passphraseFile }, { memo, role, permissions: permission, caveats: caveat ?? [], expires_at: expires }, path, host.now())
        out.answer(minted, renderMinted)
        return 'ok'
      }
      const minted = await client.mint({
        memo, ...(role !== undefined && { role }), ...(permission !== undefined && { permissions: permission }), ...(caveat !== undefined && { caveats: caveat }), ...(expires !== undefined && { expires_at: expires }),
      })
      writeTokenFile(path, minted.token)
      out.answer({ ...minted, token: undefined }, renderMinted) // it is in the file, and nowhere else
      return 'ok'
    }))
}

function addList (cap: Command, run: Run): void {
  cap.command('list')
    .description('show the capabilities that are out: who has them, what for, used when')
    .action(run(async ({ client, out }) => {
      const caps: CapBody[] = []
      let after: string | undefined
      for (let page = 0; page < MAX_PAGES; page++) {
        const { caps: some, next } = await client.capabilities(after)
        caps.push(...some)
        if (next === undefined) break
        after = next
      }
      out.answer({ caps }, renderList)
      return 'ok'
    }))
}

function addRevoke (cap: Command, run: Run): void {
  cap.command('revoke')
    .description('end capabilities at once: one, one with all that came of it, or all before a time')
    .argument('[id]', 'of the capability, as `ronctl cap list` shows it')
    .option('--family', 'also all that were minted under it')
    .option('--before <time>', 'all that were minted before')
    .requiredOption('--reason <text>', 'why; it goes into the audit log')
    .action(run(async ({ client, out }, id: string | undefined, { family, before, reason }: RevokeOptions) => {
      if ((id === undefined) === (before === undefined)) throw usageFailure('Give an id or --before, and not both.')
      if (family === true && id === undefined) throw usageFailure('--family needs the id of a capability.')
      const request: CapRevokeRequest = before !== undefined ? { before, reason } : family === true ? { family: id ?? '', reason } : { id: id ?? '', reason }
      const revoked = await client.revoke(request)
      out.answer(revoked, ({ revoked: count, ids }, view) => renderFields([['revoked', String(count)], ['ids', ids.length === 0 ? 'none' : [...ids]]], view))
      return revoked.revoked > 0 ? 'ok' : 'negative'
    }))
}

function addTest (cap: Command, run: Run): void {
  cap.command('test')
    .description('ask whether a capability would allow something, and why not: exits with 0 if it would, else with 1')
    .argument('<file>', 'a file that only you can read')
    .requiredOption('--permission <name>', 'what is attempted, as provider:write')
    .option('--ip <address>', 'from where')
    .option('--at <time>', 'when; now unless told')
    .option('--proposal <digest>', 'on which proposal')
    .action(run(async ({ client, out }, file: string, options: TestOptions) => {
      const judged = await client.testCapability({ token: readTokenFile(file), ...options })
      out.answer(judged, renderJudgement)
      return judged.allowed ? 'ok' : 'negative'
    }))
}

type Shown = Pick<CapMintBody, 'id' | 'role' | 'permissions' | 'caveats' | 'expires_at'> & Partial<Pick<MintedAtRest, 'in_force'>>

function renderMinted ({ id, role, permissions, caveats, expires_at: expires, in_force: inForce }: Shown, view: View): string {
  return renderFields([
    ['id', id], ['allows', role ?? permissions.join(', ')], ['caveats', caveats.length === 0 ? 'none' : [...caveats]], ['expires', expires ?? 'never'],
    ...(inForce === undefined ? [] : [['in force', 'from the daemon’s next start on'] as [string, string]]),
  ], view)
}

function renderList ({ caps }: { readonly caps: readonly CapBody[] }, view: View): string {
  const rows = caps.map(({ id, memo, role, permissions, minted_by: by, expires_at: expires, last_used_at: used }) => [id, memo, role ?? permissions.join(','), by, expires ?? 'never', used ?? 'never'])
  return renderTable(['id', 'memo', 'allows', 'minted by', 'expires', 'last used'].map(title => ({ title })), rows, view)
}

function renderPermissions ({ permissions, roles }: CapPermissionsBody, view: View): string {
  const names = Object.keys(roles)
  return renderTable(['permission', ...names].map(title => ({ title })), permissions.map(permission => [permission, ...names.map(name => roles[name]?.includes(permission) === true ? 'yes' : '–')]), view)
}

function renderJudgement ({ valid, allowed, granted, caveats }: CapTestBody, view: View): string {
  const lines = caveats.map(({ caveat, holds, why }) => `${holds ? 'holds' : 'fails'}  ${caveat}${why === undefined ? '' : `  (${why})`}`)
  return renderFields([
    ['allowed', allowed ? 'yes' : 'no'],
    ['valid', valid ? 'yes' : 'no: forged, malformed, revoked, or of another daemon'],
    ...(granted === undefined ? [] : [['granted', granted ? 'yes' : 'no: it was not minted with this permission'] as [string, string]]),
    ['caveats', lines.length === 0 ? 'none' : lines],
  ], view)
}

function renderRotation ({ version, revoked }: CapRotateBody, view: View): string {
  return renderFields([['newest root', String(version)], ['revoked', String(revoked)]], view)
}
