import { amnesia } from './amnesia.ts'
import { bootstrapsKilled } from './bootstraps-killed.ts'
import { decompressionBomb } from './decompression-bomb.ts'
import type { Drill } from './drill.ts'
import { emergencyRevocation } from './emergency-revocation.ts'
import { freezeAndThaw } from './freeze-and-thaw.ts'
import { governanceRestore } from './governance-restore.ts'
import { nodeKeyCompromise } from './node-key-compromise.ts'
import { oversizeBody } from './oversize-body.ts'
import { policyOutage } from './policy-outage.ts'
import { pqToggle } from './pq-toggle.ts'
import { quorumReconstitution } from './quorum-reconstitution.ts'
import { quotaStorm } from './quota-storm.ts'
import { rogueAdmin } from './rogue-admin.ts'
import { rogueAdminQuorum } from './rogue-admin-quorum.ts'
import { signerKeyCompromise } from './signer-key-compromise.ts'
import { slowLoris } from './slow-loris.ts'
import { socketPermissions } from './socket-permissions.ts'

/** Every drill, by the name of its file. */
export const DRILLS: Readonly<Record<string, Drill>> = {
  amnesia,
  'bootstraps-killed': bootstrapsKilled,
  'decompression-bomb': decompressionBomb,
  'emergency-revocation': emergencyRevocation,
  'freeze-and-thaw': freezeAndThaw,
  'governance-restore': governanceRestore,
  'node-key-compromise': nodeKeyCompromise,
  'oversize-body': oversizeBody,
  'policy-outage': policyOutage,
  'pq-toggle': pqToggle,
  'quorum-reconstitution': quorumReconstitution,
  'quota-storm': quotaStorm,
  'rogue-admin': rogueAdmin,
  'rogue-admin-quorum': rogueAdminQuorum,
  'signer-key-compromise': signerKeyCompromise,
  'slow-loris': slowLoris,
  'socket-permissions': socketPermissions,
}
