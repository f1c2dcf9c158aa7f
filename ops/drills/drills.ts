import { amnesia } from './amnesia.ts'
import { bootstrapsKilled } from './bootstraps-killed.ts'
import { decompressionBomb } from './decompression-bomb.ts'
import type { Drill } from './drill.ts'
import { emergencyRevocation } from './emergency-revocation.ts'
import { freezeAndThaw } from './freeze-and-thaw.ts'
import { oversizeBody } from './oversize-body.ts'
import { policyOutage } from './policy-outage.ts'
import { quotaStorm } from './quota-storm.ts'
import { rogueAdmin } from './rogue-admin.ts'
import { slowLoris } from './slow-loris.ts'
import { socketPermissions } from './socket-permissions.ts'

/** Every drill, by the name of its file. */
export const DRILLS: Readonly<Record<string, Drill>> = {
  amnesia,
  'bootstraps-killed': bootstrapsKilled,
  'decompression-bomb': decompressionBomb,
  'emergency-revocation': emergencyRevocation,
  'freeze-and-thaw': freezeAndThaw,
  'oversize-body': oversizeBody,
  'policy-outage': policyOutage,
  'quota-storm': quotaStorm,
  'rogue-admin': rogueAdmin,
  'slow-loris': slowLoris,
  'socket-permissions': socketPermissions,
}
