import type { Config } from '../config/settings.ts'
import type { Governance } from '../governance/engine.ts'
import type { PolicyPorts } from '../http/admin/policy.ts'
import type { BudgetBody } from '../http/admin/wire-policy.ts'
import { TRIES_PER_SECOND } from '../http/wall.ts'
import type { Guards } from './guards.ts'

/** What operators are told of the policy: what is in force, and the budgets as the configuration in force has them. */
export function policyPorts ({ policy, writes }: Guards, governance: Pick<Governance, 'inForce'>, inForce: () => Config): Omit<PolicyPorts, 'bans'> {
  return {
    policy,
    writes,
    policySource: () => governance.inForce === undefined ? 'configuration' : 'governance',
    budgets: () => budgetsOf(inForce(), policy.rateFactor),
  }
}

/** @param rateFactor what the profile leaves of the rate of the public API */
function budgetsOf ({ public: open, admin, kad }: Config, rateFactor: number): BudgetBody[] {
  return [
    { what: 'public requests of a /24 or /48', limit: open.requestsPerPrefixPerSecond * rateFactor, unit: 'a second', setting: 'public.requestsPerPrefixPerSecond' },
    { what: 'public requests in flight', limit: open.inFlight, unit: 'at once', setting: 'public.inFlight' },
    { what: 'admin requests of a capability', limit: admin.requestsPerPrincipalPerSecond, unit: 'a second', setting: 'admin.requestsPerPrincipalPerSecond' },
    { what: 'admin requests without a good one, of a /24 or /48', limit: TRIES_PER_SECOND, unit: 'a second' },
    { what: 'admin requests in flight', limit: admin.inFlight, unit: 'at once', setting: 'admin.inFlight' },
    { what: 'Kademlia RPCs of a peer', limit: kad.rpcsPerPeerPerSecond, unit: 'a second', setting: 'kad.rpcsPerPeerPerSecond' },
    { what: 'Kademlia RPCs of a /24 or /48', limit: kad.rpcsPerPrefixPerSecond, unit: 'a second', setting: 'kad.rpcsPerPrefixPerSecond' },
    { what: 'Kademlia streams of a peer', limit: kad.streamsPerPeer, unit: 'at once', setting: 'kad.streamsPerPeer' },
    { what: 'Kademlia streams of a /24 or /48', limit: kad.streamsPerPrefix, unit: 'at once', setting: 'kad.streamsPerPrefix' },
    { what: 'new connections of a host', limit: kad.inboundConnectionsPerSecond, unit: 'a second', setting: 'kad.inboundConnectionsPerSecond' },
  ]
}
