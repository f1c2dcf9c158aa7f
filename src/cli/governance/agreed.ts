import { stateForm, type State } from '../../governance/state.ts'
import type { AdminClient } from '../client.ts'
import { Failure } from '../failure.ts'

/** What the network has agreed on, as this daemon tells it. Digests are computed from it here, never taken from the daemon. */
export async function fetchState (client: AdminClient): Promise<State> {
  const { network_id: networkId, epoch, sections } = await client.governanceState()
  try {
    return stateForm({ schema: 'svc-dht/governance/state/1', network_id: networkId, epoch, sections }, 'state')
  } catch (cause) {
    throw new Failure(`The daemon tells a state that ronctl does not know: ${(cause as Error).message}.`, { exit: 'internal', code: 'Internal', cause, hint: 'Compare `ronctl version`: the two may not belong together.' })
  }
}
