/** Of a package in the lock file, what the rules look at. */
export interface LockedPackage {
  readonly version?: string
  readonly license?: string
  readonly integrity?: string
  readonly resolved?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly hasInstallScript?: boolean
}

export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly allowScripts?: Readonly<Record<string, boolean>>
}

/** Licences that Apache-2.0 software may be shipped with. */
const LICENCES: ReadonlySet<string> = new Set(['Apache-2.0', 'MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'MPL-2.0', '0BSD', 'CC0-1.0', 'Unlicense'])

/** What is wrong with what we ship, a sentence each: versions not pinned, licences, install scripts nobody has looked at, packages without a checksum. */
export function findFaults (manifest: Manifest, packages: Readonly<Record<string, LockedPackage>>): string[] {
  return [...unpinned(manifest), ...Object.entries(packages).flatMap(([path, locked]) => path === '' ? [] : faultsOf(path, locked, manifest))]
}

function unpinned ({ dependencies = {}, devDependencies = {} }: Manifest): string[] {
  return Object.entries({ ...dependencies, ...devDependencies }).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name, version]) => `${name}: the version ${version} is not pinned`)
}

function faultsOf (path: string, { license, integrity, dev, optional, hasInstallScript }: LockedPackage, { allowScripts = {} }: Manifest): string[] {
  const name = path.replace(/.*node_modules\//, '')
  const faults: string[] = []
  if (dev !== true && !isAllowed(license)) faults.push(`${name}: the licence ${license ?? '(none)'} is not on the list`)
  if (hasInstallScript === true && !Object.hasOwn(allowScripts, name)) faults.push(`${name}: has an install script, and nobody has said in allowScripts whether it may run`)
  // Builds for other platforms: npm fetches none of them here, so it knows no checksum.
  if (integrity === undefined && optional !== true) faults.push(`${name}: has no checksum in the lock file`)
  return faults
}

/** SPDX: one of the alternatives must be allowed. */
function isAllowed (license: string | undefined): boolean {
  return license !== undefined && license.replaceAll(/[()]/g, '').split(' OR ').some(each => LICENCES.has(each))
}
