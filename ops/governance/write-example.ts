import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Envelope } from '../../src/governance/envelope.ts'
import { exampleGenesis, vectors } from './example.ts'

// npm run governance:example writes governance/example and governance/vectors. ML-DSA signatures are others each time: a
// genesis that says the same already stays as it is.

const folder = join(import.meta.dirname, '../../governance')
const write = (path: string, value: object): void => writeFileSync(join(folder, path), `${JSON.stringify(value, undefined, 2)}\n`)

const genesis = exampleGenesis()
if (heldPayload() !== genesis.payload) write('example/genesis.json', genesis)
write('vectors/governance.json', vectors())

function heldPayload (): string | undefined {
  try {
    return (JSON.parse(readFileSync(join(folder, 'example/genesis.json'), 'utf8')) as Envelope).payload
  } catch {
    return undefined // missing or broken: written anew
  }
}
