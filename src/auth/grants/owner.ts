import { replaceFile } from '../../kms/private-file.ts'
import { hasExpired } from './grant.ts'
import type { Grants } from './grants.ts'

/**
 * Sees to it that somebody can hand out capabilities: mints an owner's token when no grant in force may mint one. That is so at
 * the first start, and again after everything was revoked and the daemon started anew, which only who runs it can do.
 * @param tokenFile where the token goes, readable by its owner alone; without one it is returned, to be shown once
 * @param onFile told when it was put there
 * @returns the token when there is no file for it and a new one was minted; undefined otherwise
 */
export async function ensureOwner (grants: Grants, { tokenFile, now, onFile }: { readonly tokenFile?: string, readonly now: number, readonly onFile?: (path: string) => void }): Promise<string | undefined> {
  if (grants.list().some(grant => grant.permissions.includes('cap:mint') && !hasExpired(grant, now))) return undefined
  const { token } = await grants.mint({ memo: 'owner, from the start of the daemon', allows: 'owner', caveats: [], expiresAt: undefined }, 'daemon', {
    isBeyondBound: true,
    ...(tokenFile !== undefined && { deliver: async (token: string) => replaceFile(tokenFile, `${token}\n`) }),
  })
  if (tokenFile !== undefined) onFile?.(tokenFile)
  return tokenFile === undefined ? token : undefined
}
