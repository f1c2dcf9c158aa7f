import { join } from 'node:path'
import type { Config } from '../config/settings.ts'
import { Custody } from '../kms/custody.ts'
import { EphemeralKeyStore } from '../kms/key-store.ts'
import { readPassphrase } from '../kms/sealed-file.ts'
import { SealedKeyStore } from '../kms/sealed-key-store.ts'
import type { Surroundings } from './surroundings.ts'

export interface Keys {
  readonly custody: Custody
  /** Whether the keys are there after a restart. */
  readonly last: boolean
}

/** The keys of this daemon: sealed files for a macronode with a passphrase, else gone with the process. */
export async function composeCustody ({ node, identity }: Config, { metrics, now }: Surroundings): Promise<Keys> {
  const last = node.profile === 'macronode' && node.dataDir !== '' && identity.passphraseFile !== ''
  const store = last ? await SealedKeyStore.open(join(node.dataDir, 'keys'), readPassphrase(identity.passphraseFile)) : new EphemeralKeyStore(now)
  const onNewest = (key: string, madeAt: number): void => metrics.kms.keyMade.set({ key }, madeAt / 1000)
  return { custody: await Custody.open(store, { onNewest }), last }
}
