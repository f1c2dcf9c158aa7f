import { readPassphraseFile, type PassphraseSource } from '../governance/signer-key.ts'
import { usageFailure } from './failure.ts'
import type { Terminal } from './host.ts'

const MIN_CHARACTERS = 8

/** Where a passphrase comes from: a file, or the person at the terminal. Never the command line or a variable, which others can see. */
export interface PassphraseOptions { readonly passphraseFile?: string }

/** The passphrase that opens a key. */
export function passphraseSource (terminal: Terminal, { passphraseFile }: PassphraseOptions, keyFile: string): PassphraseSource {
  return async () => passphraseFile === undefined ? await askHidden(terminal, `Passphrase of ${keyFile}: `) : readPassphraseFile(passphraseFile)
}

/** The passphrase for a new key: asked for twice, since nobody sees what they type. */
export async function newPassphrase (terminal: Terminal, { passphraseFile }: PassphraseOptions, keyFile: string): Promise<Uint8Array> {
  if (passphraseFile !== undefined) return readPassphraseFile(passphraseFile)
  const passphrase = await askHidden(terminal, `New passphrase for ${keyFile}: `)
  if (passphrase.toString('utf8').length < MIN_CHARACTERS) throw usageFailure(`A passphrase has at least ${MIN_CHARACTERS} characters.`)
  if (!passphrase.equals(await askHidden(terminal, 'The same again: '))) throw usageFailure('The two passphrases differ.', 'Nothing was written.')
  return passphrase
}

async function askHidden (terminal: Terminal, question: string): Promise<Buffer> {
  if (!terminal.isThere) throw usageFailure('There is nobody to ask for the passphrase.', 'Run it in a terminal, or name a file that only you can read with --passphrase-file.')
  const answer = await terminal.ask(question, { isHidden: true })
  if (answer === undefined || answer === '') throw usageFailure('No passphrase was given.')
  return Buffer.from(answer)
}
