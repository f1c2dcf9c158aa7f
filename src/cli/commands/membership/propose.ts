import { Option, type Command } from 'commander'
import type { Run } from '../../session.ts'
import { addProposalOptions, propose, type ProposeOptions } from '../governance/propose.ts'

const ROLES = ['server', 'client', 'bootstrap', 'relay']
const NOTES = '\n--json prints the answer of POST /v1/governance/proposals. With --out FILE it is written for the signers: sign-update, verify-update, apply-update.'

interface Keys { readonly peerId: string, readonly nodeId?: string }

/** One command for each thing that can happen to a member. */
export function addMemberProposals (membership: Command, run: Run): void {
  finish(withKeys(membership.command('propose-add').description('propose to let a node in').argument('<member>', 'its name here, as fra-1'))
    .addOption(new Option('--role <name...>', 'what it does').choices(ROLES).default(['server'])))
    .action(run(async (session, id: string, { peerId, nodeId, role, ...options }: ProposeOptions & Keys & { readonly role: readonly string[] }) =>
      await propose(session, members({ op: 'add', node: { id, keys: toKeys({ peerId, nodeId }), roles: role, status: 'active' } }), options)))

  finish(membership.command('propose-remove').description('propose to forget a node, which may be let in again').argument('<member>'))
    .action(run(async (session, id: string, options: ProposeOptions) => await propose(session, members({ op: 'remove', id }), options)))

  finish(membership.command('propose-revoke').description('propose to shut a node out: it loses its connections and records at once').argument('<member>'))
    .action(run(async (session, id: string, options: ProposeOptions) => await propose(session, members({ op: 'revoke', id }), options)))

  finish(withKeys(membership.command('propose-rotate').description('propose other keys for a node').argument('<member>')))
    .action(run(async (session, id: string, { peerId, nodeId, ...options }: ProposeOptions & Keys) =>
      await propose(session, members({ op: 'rotate', id, keys: toKeys({ peerId, nodeId }) }), options)))

  finish(membership.command('propose-mode').description('propose whether members are asked for: off, observed, enforced')
    .addArgument(membership.createArgument('<mode>').choices(['off', 'observe', 'enforce'])))
    .action(run(async (session, mode: string, options: ProposeOptions) => await propose(session, members({ op: 'set-mode', mode }), options)))
}

function withKeys (command: Command): Command {
  return command
    .requiredOption('--peer-id <id>', 'its libp2p peer ID')
    .option('--node-id <hex>', 'its discv5 node ID, once it has one')
}

function finish (command: Command): Command {
  return addProposalOptions(command.requiredOption('--reason <text>', 'why')).addHelpText('after', NOTES)
}

function toKeys ({ peerId, nodeId }: { readonly peerId: string, readonly nodeId: string | undefined }): object {
  return { peer_id: peerId, ...nodeId !== undefined && { node_id: nodeId } }
}

function members (change: Readonly<Record<string, unknown>>): { readonly section: 'members', readonly change: Readonly<Record<string, unknown>> } {
  return { section: 'members', change }
}
