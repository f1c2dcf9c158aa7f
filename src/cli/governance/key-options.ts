import type { Command } from 'commander'
import { readPublicKey, signWith, type PublicKeyFile } from '../../governance/signer-key.ts'
import type { ToSign } from '../../governance/signer-memory.ts'
import type { Envelope } from '../../governance/envelope.ts'
import { usageFailure } from '../failure.ts'
import { passphraseSource, type PassphraseOptions } from '../passphrase.ts'
import type { Session } from '../session.ts'
import type { ConfirmOptions } from './confirm.ts'

export interface KeyOptions extends PassphraseOptions, ConfirmOptions {
  readonly key?: string
  readonly insteadOf?: string
}

/** The options of every command that signs. */
export function addKeyOptions (command: Command): Command {
  return command
    .option('--key <path>', 'your key (default: RONCTL_KEY)')
    .option('--passphrase-file <path>', 'take its passphrase from the first line of a file that only you can read')
    .option('--instead-of <proposal>', 'give up what you signed earlier on the same base')
    .option('--yes', 'sign without being asked')
}

/** @throws {Failure} usage when no key is named */
export function keyPath ({ host }: Session, { key }: KeyOptions): string {
  const path = key || host.env['RONCTL_KEY']
  if (!path) throw usageFailure('It does not say with which key to sign.', 'Name it with --key FILE or RONCTL_KEY; `ronctl key new` makes one.')
  return path
}

/** The public part of the key that is named. */
export function publicKey (session: Session, options: KeyOptions): PublicKeyFile {
  return readPublicKey(keyPath(session, options))
}

/** Signs with the named key. Whoever is to agree has agreed. */
export async function sign (session: Session, toSign: ToSign, options: KeyOptions): Promise<Envelope> {
  const path = keyPath(session, options)
  const { insteadOf } = options
  return await signWith({ ...toSign, ...(insteadOf !== undefined && { insteadOf }) }, path, passphraseSource(session.host.terminal, options, path), session.host.now())
}
