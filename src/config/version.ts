import { readFileSync } from 'node:fs'

/** What runs: semantic version, and the commit it was built from or `unknown`. */
export interface Version {
  readonly version: string
  readonly gitSha: string
}

const ROOT = new URL('../../', import.meta.url)

/** Of the package, and of the commit that it was built from where that is known. */
export function readVersion (): Version {
  const { version } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { version: string }
  return { version, gitSha: readCommit() ?? 'unknown' }
}

/** From what the build wrote down, else from the checkout. */
function readCommit (): string | undefined {
  const head = readText('dist/git-sha') ?? readText('.git/HEAD')
  const ref = /^ref: (\S+)$/.exec(head ?? '')?.[1]
  if (ref === undefined) return /^[0-9a-f]{40}$/.test(head ?? '') ? head : undefined
  return readText(`.git/${ref}`) ?? new RegExp(`^([0-9a-f]{40}) ${ref}$`, 'm').exec(readText('.git/packed-refs') ?? '')?.[1]
}

function readText (path: string): string | undefined {
  try {
    return readFileSync(new URL(path, ROOT), 'utf8').trim()
  } catch {
    return undefined // not a checkout, or not built: the next source is asked
  }
}
