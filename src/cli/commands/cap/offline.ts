import { type Asked, mintOffline } from '../../../auth/grants/offline.ts'
import { usageFailure } from '../../failure.ts'
import { writeTokenFile } from './token-file.ts'

/** What `--json` prints of a capability that was minted offline: as much as of any other, and when it begins. */
export interface MintedAtRest {
  readonly id: string
  readonly nonce: string
  readonly memo: string
  readonly permissions: readonly string[]
  readonly role?: string
  readonly caveats: readonly string[]
  readonly expires_at?: string
  readonly in_force: 'at the next start'
}

type Options = { readonly [Name in keyof Asked]: Asked[Name] | undefined } & Pick<Asked, 'memo' | 'caveats'>

/** Mints without a daemon (decision 0027), and writes the token into its file. @throws {Failure} for what keeps it from that */
export async function mintAtRest (place: { readonly dataDir: string, readonly passphraseFile: string }, { memo, role, permissions, caveats, expires_at: expires }: Options, path: string, now: number): Promise<MintedAtRest> {
  const asked: Asked = { memo, caveats, ...(role !== undefined && { role }), ...(permissions !== undefined && { permissions }), ...(expires !== undefined && { expires_at: expires }) }
  try {
    const { grant: { id, nonce, permissions: allowed }, conditions } = await mintOffline(place, asked, now, token => writeTokenFile(path, token))
    return { id, nonce, memo, permissions: allowed, ...(role !== undefined && { role }), caveats: conditions, ...(expires !== undefined && { expires_at: expires }), in_force: 'at the next start' }
  } catch (err) {
    // What custody throws is a sentence for the operator.
    if (err instanceof Error && err.constructor === Error) throw usageFailure(`Nothing was minted: ${err.message}`, 'Run it as the user that the daemon runs as, with its own node.dataDir and identity.passphraseFile.')
    throw err
  }
}
