import type { FastifyInstance } from 'fastify'
import { sectionDigest } from '../../governance/state.ts'
import { ledgerOf, type GovernancePort } from './governance.ts'
import type { MembersBody, MembershipStatusBody } from './wire.ts'

/** Who is in. It changes by proposals only. */
export function addMembershipRoutes (app: FastifyInstance, { governance }: { readonly governance: GovernancePort }): void {
  app.get('/v1/membership/status', async (): Promise<MembershipStatusBody> => {
    const { state } = ledgerOf(governance)
    const { mode, nodes } = governance.inForce?.members ?? state.sections.members
    const active = nodes.filter(({ status }) => status === 'active').length
    return { mode, active, revoked: nodes.length - active, digest: sectionDigest(state, 'members'), epoch: state.epoch, restricted: governance.fault !== undefined }
  })
  app.get('/v1/membership/members', async (): Promise<MembersBody> => ({ members: (governance.inForce ?? ledgerOf(governance).state.sections).members.nodes }))
}
