import { existsSync, writeFileSync } from 'node:fs'
import { Option, type Command } from 'commander'
import type { Actor, Role } from '../../governance/actor.ts'
import { changePassphrase, createSignerKey, publicFileOf, readPublicKey, type PublicKeyFile } from '../../governance/signer-key.ts'
import { usageFailure } from '../failure.ts'
import { renderFields, type View } from '../layout.ts'
import { newPassphrase, passphraseSource, type PassphraseOptions } from '../passphrase.ts'
import type { Run } from '../session.ts'
import { printable } from '../text.ts'

const NEW_NOTES = `
An Ed25519 and an ML-DSA-87 key, sealed with a passphrase (argon2id, ChaCha20-Poly1305). Beside the file comes FILE.pub, the public
part, to hand to whoever drafts a genesis or a charter. The file remembers what it signs: copy it only to move it.
--json prints the actor.`

const PASSPHRASE_NOTES = `
What it has signed stays remembered. A copy that was made before still opens with the passphrase from before: where somebody may have
such a copy, have the actor rotated instead. --json prints the actor.`

/** A signer’s keys. They never leave their file, and no daemon is asked. */
export function addKey (program: Command, run: Run): void {
  const key = program.command('key').description('make, reseal and look at a signer’s key; no daemon is asked')
  key.command('new')
    .description('make a signer’s key')
    .addOption(new Option('--role <name>', 'what it is for').choices(['owner', 'ops', 'security', 'auditor']).makeOptionMandatory())
    .requiredOption('--out <path>', 'new file for it, which only you can read')
    .option('--passphrase-file <path>', 'take the passphrase from the first line of a file that only you can read')
    .option('--dry-run', 'say what would be written, and make nothing')
    .addHelpText('after', NEW_NOTES)
    .action(run(async ({ out, host }, { role, out: path, dryRun = false, ...options }: PassphraseOptions & { readonly role: Role, readonly out: string, readonly dryRun?: boolean }) => {
      for (const file of [path, `${path}.pub`]) if (existsSync(file)) throw usageFailure(`${file} is there already.`, 'Name a new file.')
      if (dryRun) {
        out.answer({ dry_run: true, role, files: [path, `${path}.pub`] }, () => `Would write a ${role} key to ${printable(path)}, and its public part to ${printable(path)}.pub\n`)
        return 'ok'
      }
      const actor = await createSignerKey(path, { role, passphrase: await newPassphrase(host.terminal, options, path), work: host.keyWork })
      writeFileSync(`${path}.pub`, publicFileOf(actor), { flag: 'wx', mode: 0o644 })
      out.answer(actor, renderActor)
      out.remark(`Written: ${printable(path)}, and its public part ${printable(path)}.pub`)
      return 'ok'
    }))
  key.command('passphrase')
    .description('give a key another passphrase; it stays the same key')
    .argument('<file>', 'the key')
    .option('--passphrase-file <path>', 'take the passphrase that it has from the first line of a file that only you can read')
    .option('--new-passphrase-file <path>', 'take the new one from such a file')
    .addHelpText('after', PASSPHRASE_NOTES)
    .action(run(async ({ out, host }, path: string, { newPassphraseFile, ...options }: PassphraseOptions & { readonly newPassphraseFile?: string }) => {
      const given = newPassphraseFile === undefined ? {} : { passphraseFile: newPassphraseFile }
      const actor = await changePassphrase(path, {
        passphrase: passphraseSource(host.terminal, options, path),
        next: async () => await newPassphrase(host.terminal, given, path),
        work: host.keyWork,
      })
      out.answer(actor, renderActor)
      out.remark(`${printable(path)} opens with the new passphrase alone.`)
      return 'ok'
    }))
  key.command('show')
    .description('show whose key it is and what it has signed; needs no passphrase')
    .argument('<file>', 'a key, or the public part of one')
    .addHelpText('after', '\nWhat it has signed is proven only when it signs again. --json prints {"actor", "signed?"}.')
    .action(run(async ({ out }, path: string) => {
      out.answer(readPublicKey(path), render)
      return 'ok'
    }))
}

function render ({ actor, signed }: PublicKeyFile, view: View): string {
  const lines = signed?.map(({ at, kind, id, stand, instead_of: left }) =>
    `${new Date(at).toISOString()}  ${kind} ${id}${stand === undefined ? '' : `  on ${stand.section}`}${left === undefined ? '' : `  instead of ${left}`}`)
  return renderActor(actor, view) + (lines === undefined ? '' : renderFields([['has signed', lines.length === 0 ? 'nothing' : lines]], view))
}

/** The ML-DSA-87 key fills a screen: its start, and the whole of it with --json. */
function renderActor ({ id, role, ed25519, ml_dsa_87: mlDsa87 }: Actor, view: View): string {
  return renderFields([['actor', id], ['role', role], ['ed25519', ed25519], ['ml-dsa-87', mlDsa87 === undefined ? 'none' : `${mlDsa87.slice(0, 43)}… (2592 bytes)`]], view)
}
