import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createEphemeralIdentity } from '../../../src/kms/identity.ts'
import { ronctl } from '../../cli/ronctl.ts'
import { startTestDaemon, type TestDaemon } from '../../daemon.ts'

/** A macronode's folder, and its lives one after the other. */
export function macronode (t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'svc-dht-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const passphrase = join(folder, 'passphrase')
  writeFileSync(passphrase, 'correct horse\n', { mode: 0o600 })
  const identity = createEphemeralIdentity()
  const live = async (work: (run: (...args: readonly string[]) => ReturnType<typeof ronctl>, daemon: TestDaemon) => Promise<void>, flags: Readonly<Record<string, string>> = {}): Promise<void> => {
    const daemon = await startTestDaemon(t, { identity, flags: { 'node.profile': 'macronode', 'node.dataDir': join(folder, 'data'), 'identity.keyFile': join(folder, 'identity'), 'identity.passphraseFile': passphrase, ...flags } })
    await work(async (...args) => await ronctl(['--socket', daemon.adminSocket, ...args]), daemon)
    await daemon[Symbol.asyncDispose]()
  }
  return { folder, live, passphrase, file: (name: string) => join(folder, name) }
}
