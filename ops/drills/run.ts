import { holdAlone } from './drill.ts'
import { DRILLS } from './drills.ts'

// npm run drills [-- <name> …]: those named, or all, one after the other.

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(DRILLS)
const unknown = names.filter(name => !Object.hasOwn(DRILLS, name))
if (unknown.length > 0) {
  process.stderr.write(`There is no drill ${unknown.join(', ')}. There are ${Object.keys(DRILLS).join(', ')}.\n`)
  process.exitCode = 2
} else {
  for (const name of names) await holdAlone(name, DRILLS[name] as (typeof DRILLS)[string])
}
