import { approversOf, emergencyQuorumOf, type Charter } from '../../governance/sections/charter.ts'
import type { Field, View } from '../layout.ts'
import { formatDuration, formatMoment } from '../text.ts'

/** Everything that a charter says: who may do what, how many it takes, and what waits for how long. Of a key, its id. */
export function charterFields (charter: Charter, view: View): readonly Field[] {
  const { profile, actors, quorum, windows: { lapse_ms: lapse, canary_ms: canary, freeze_ms: freeze, calendar }, recovery, reduced_until: until } = charter
  return [
    ['profile', profile],
    ['quorum', `${quorum} of ${approversOf(charter).length}${until === undefined ? '' : `, 2 ${formatMoment(new Date(until).toISOString(), view.now)}`}`],
    ['emergency', `${emergencyQuorumOf(charter)} of ${approversOf(charter).length}`],
    ['windows', `lapse ${formatDuration(lapse)}, canary ${formatDuration(canary)}, freeze ${formatDuration(freeze)}`],
    ...(calendar === undefined ? [] : [['business hours', `days ${calendar.weekdays.join(', ')}, ${calendar.from_hour} to ${calendar.to_hour} UTC`] as Field]),
    ['actors', actors.map(({ id, role, status, ml_dsa_87: mlDsa87 }) => `${role.padEnd(8)}  ${id}${status === 'active' ? '' : '  revoked'}${mlDsa87 === undefined ? '  no ML-DSA-87' : ''}`)],
    ['recovery', [`${recovery.threshold} of ${recovery.keys.length}`, ...recovery.keys.map(({ id }) => `          ${id}`)]],
  ]
}
