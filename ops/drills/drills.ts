import { amnesia } from './amnesia.ts'
import type { Drill } from './drill.ts'
import { oversizeBody } from './oversize-body.ts'
import { quotaStorm } from './quota-storm.ts'
import { slowLoris } from './slow-loris.ts'

/** Every drill, by the name of its file. */
export const DRILLS: Readonly<Record<string, Drill>> = {
  amnesia,
  'oversize-body': oversizeBody,
  'quota-storm': quotaStorm,
  'slow-loris': slowLoris,
}
