import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ended } from '../drills/daemon-process.ts'
import { GovernedNetwork } from '../drills/governed-network.ts'

const LOOKS = 200

/** What was run on a real log, line by line, and whether each ended as it must. */
export interface Transcript { readonly lines: readonly string[], readonly passed: boolean }

/**
 * A real daemon whose members change by a quorum; its log is verified as it stands, away from it, and with one byte
 * altered, which must be found.
 */
export async function verifyRealLog (): Promise<Transcript> {
  const lines: string[] = []
  const outcomes: boolean[] = []
  const must = (command: string, { code, stdout, stderr }: Ended, wanted: number): void => {
    outcomes.push(code === wanted)
    lines.push(`$ ronctl ${command}`, ...`${stdout}${stderr}`.trimEnd().split('\n').map(line => `  ${line}`), `  exit ${code}: ${code === wanted ? 'ok' : `FAIL, ${wanted} was wanted`}`)
  }
  await using stack = new AsyncDisposableStack()
  const network = await GovernedNetwork.open(stack)
  const daemon = await network.start(stack, 'fra-1', { ...network.governed, 'node.profile': 'macronode', 'node.dataDir': network.file('data') })
  const { executed } = await network.agree(daemon, ['sec1', 'sec2'], 'membership', 'propose-revoke', 'fra-3', '--reason', 'membership gates')
  must('governance execute (a revocation)', executed, 0)
  await whenPublished(async () => JSON.parse((await daemon.ronctl('audit', 'head', '--json')).stdout) as Head)

  const genesis = ['--genesis', network.file('genesis.json')]
  must('audit verify', await daemon.ronctl('audit', 'verify'), 0)
  must('membership verify-log', await daemon.ronctl('membership', 'verify-log', ...genesis), 0)
  const keys = network.file('log.keys')
  writeFileSync(keys, (await daemon.ronctl('audit', 'head', '--keys')).stdout)
  const copy = network.file('log.tar')
  must('audit export', await daemon.ronctl('audit', 'export', copy), 0)
  must('audit verify, of a copy', await network.followAway('audit', 'verify', copy, '--key', keys), 0)
  must('membership verify-log, of a copy', await network.followAway('membership', 'verify-log', copy, '--key', keys, ...genesis), 0)
  alter(copy)
  must('audit verify, of a copy with one byte altered', await network.followAway('audit', 'verify', copy, '--key', keys), 1)
  must('membership verify-log, of a copy with one byte altered', await network.followAway('membership', 'verify-log', copy, '--key', keys, ...genesis), 1)
  return { lines: lines.map(line => line.replaceAll(network.folder, '…').replaceAll(daemon.folder, '…')), passed: outcomes.every(Boolean) }
}

interface Head { readonly size: number, readonly published: number }

async function whenPublished (look: () => Promise<Head>): Promise<void> {
  for (let looks = 0; looks < LOOKS; looks++) {
    const { size, published } = await look()
    if (size > 0 && size === published) return
    await sleep(50)
  }
  throw new Error('the log was not published')
}

/** The first letter after some entry's `"actor":"`: still JSON, and another entry. */
function alter (file: string): void {
  const bytes = readFileSync(file)
  const place = bytes.indexOf('"actor":"') + '"actor":"'.length
  bytes[place] = (bytes[place] ?? 0) ^ 1
  writeFileSync(file, bytes)
}
