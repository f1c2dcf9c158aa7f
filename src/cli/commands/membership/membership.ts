import type { Command } from 'commander'
import type { MembersBody, MembershipStatusBody } from '../../../http/admin/wire.ts'
import { renderFields, renderTable, type View } from '../../layout.ts'
import type { Run } from '../../session.ts'
import { addSign } from '../governance/sign.ts'
import { addMemberProposals } from './propose.ts'
import { addApplyUpdate, addVerifyUpdate } from './update.ts'
import { addVerifyLog } from './verify-log.ts'

/** Who is in the network. */
export function addMembership (program: Command, run: Run): void {
  const membership = program.command('membership').description('who is in the network, and how that changes: proposed, signed by a quorum, applied')
  addStatus(membership, run)
  addMemberProposals(membership, run)
  addSign(membership, run, 'sign-update')
  addVerifyUpdate(membership, run)
  addApplyUpdate(membership, run)
  addVerifyLog(membership, run)
}

function addStatus (membership: Command, run: Run): void {
  membership.command('status')
    .description('show whether members are enforced here, and who they are; exits with 1 when what is kept is not trusted')
    .addHelpText('after', '\n--json prints {"status", "members"}: the answers of GET /v1/membership/status and /v1/membership/members.')
    .action(run(async ({ client, out }) => {
      const [status, { members }] = await Promise.all([client.membershipStatus(), client.members()])
      out.answer({ status, members }, render)
      return status.restricted ? 'negative' : 'ok'
    }))
}

const MODES = { off: 'off: nobody asks', observe: 'observe: who is no member is counted, and let in', enforce: 'enforce: who is no active member is refused' } as const

function render ({ status, members }: { readonly status: MembershipStatusBody } & MembersBody, view: View): string {
  const { mode, active, revoked, digest, epoch, restricted } = status
  const fields = renderFields([
    ['mode', MODES[mode]],
    ['members', `${active} active, ${revoked} revoked`],
    ['digest', digest],
    ['epoch', String(epoch)],
    ...restricted ? [['not trusted', 'what is kept is not as it was left: the last safe list holds (ronctl governance status)'] as const] : [],
  ], view)
  if (members.length === 0) return fields
  return `${fields}\n${renderTable(['MEMBER', 'STATUS', 'ROLES', 'PEER ID', 'NODE ID'].map(title => ({ title })), members.map(({ id, status, roles, keys }) => [id, status, roles.join(',') || '-', keys.peer_id, keys.node_id ?? '-']), view)}`
}
