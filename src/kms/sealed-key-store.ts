import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { findDirectoryFault } from '../core/private-directory.ts'
import type { KeyStore, Purpose } from './key-store.ts'
import { flushDirectory, writeNewFile } from './private-file.ts'
import { Sealer } from './sealed-file.ts'

const CHECK = 'passphrase.check'
const CHECK_PURPOSE = 'custody/passphrase-check'
/** Rotations in hundreds of years; a folder with more files is not ours. */
const MAX_FILES = 1000

/** Secrets sealed under a passphrase, one file for each version, in a folder that is its owner's alone. */
export class SealedKeyStore implements KeyStore {
  readonly #folder: string
  readonly #sealer: Sealer

  private constructor (folder: string, sealer: Sealer) {
    this.#folder = folder
    this.#sealer = sealer
  }

  /**
   * Makes the folder at the first start. The check file in it tells a wrong passphrase from an altered key.
   * @throws {Error} with a sentence for the operator, which names the file
   */
  static async open (folder: string, passphrase: Uint8Array): Promise<SealedKeyStore> {
    if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 })
    const fault = findDirectoryFault(lstatSync(folder), process.getuid?.())
    if (fault !== undefined) throw new Error(`${folder} ${fault}`)
    const check = join(folder, CHECK)
    const sealer = new Sealer(passphrase)
    if (existsSync(check)) {
      await sealer.open(CHECK_PURPOSE, readFileSync(check, 'utf8')).catch((cause: unknown) => {
        const isShut = (cause as Error).message.startsWith('the passphrase')
        throw new Error(isShut ? `the passphrase does not open ${folder}` : `${check}: ${(cause as Error).message}`, { cause })
      })
    } else {
      if (readdirSync(folder).some(name => name.endsWith('.key'))) throw new Error(`${check} is missing beside keys: restore the folder from its backup`)
      writeNewFile(check, await sealer.seal(CHECK_PURPOSE, Buffer.from('svc-dht')))
    }
    return new SealedKeyStore(folder, sealer)
  }

  versions (purpose: Purpose): number[] {
    const names = readdirSync(this.#folder)
    if (names.length > MAX_FILES) throw new Error(`${this.#folder} holds more than ${MAX_FILES} files`)
    const versions = names.flatMap(name => {
      const version = name.startsWith(`${purpose}.`) ? /^\.([1-9]\d{0,8})\.key$/.exec(name.slice(purpose.length))?.[1] : undefined
      return version === undefined ? [] : [Number(version)]
    }).sort((a, b) => a - b)
    const gap = versions.find((version, index) => index > 0 && version !== (versions[index - 1] ?? 0) + 1)
    if (gap !== undefined) throw new Error(`${this.#pathOf(purpose, gap - 1)} is missing, though later versions are there`)
    return versions
  }

  async load (purpose: Purpose, version: number): Promise<Uint8Array> {
    const path = this.#pathOf(purpose, version)
    if (!existsSync(path)) throw new Error(`${path} is missing: ${purpose} has no version ${version}`)
    try {
      return await this.#sealer.open(sealedPurpose(purpose, version), readFileSync(path, 'utf8'))
    } catch (cause) {
      const isShut = (cause as Error).message.startsWith('the passphrase')
      throw new Error(isShut ? `${path} was altered: the passphrase opens ${CHECK}, but not this` : `${path}: ${(cause as Error).message}`, { cause })
    }
  }

  async save (purpose: Purpose, version: number, secret: Uint8Array): Promise<void> {
    writeNewFile(this.#pathOf(purpose, version), await this.#sealer.seal(sealedPurpose(purpose, version), secret))
  }

  remove (purpose: Purpose, version: number): void {
    rmSync(this.#pathOf(purpose, version), { force: true })
    flushDirectory(this.#folder)
  }

  /** By the file's time, which a backup has to keep (`cp -a`): a version is never written over. */
  madeAt (purpose: Purpose, version: number): number {
    return statSync(this.#pathOf(purpose, version)).mtimeMs
  }

  #pathOf (purpose: Purpose, version: number): string {
    return join(this.#folder, `${purpose}.${version}.key`)
  }
}

/** Bound to the ciphertext: no file can stand for another key or version. */
function sealedPurpose (purpose: Purpose, version: number): string {
  return `custody/${purpose}/${version}`
}
