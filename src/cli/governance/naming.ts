import { usageFailure } from '../failure.ts'

export interface Naming { readonly proposalId?: string }

/** Which proposal is meant, given as an argument or as an option. @throws {Failure} usage */
export function idOf (named: string | undefined, { proposalId }: Naming): string {
  const id = named ?? proposalId
  if (id === undefined || (named !== undefined && proposalId !== undefined)) throw usageFailure('Name one proposal.', 'Give its number or its id; `ronctl governance list` shows them.')
  if (!/^(\d{1,15}|[0-9a-f]{64})$/.test(id)) throw usageFailure(`This names no proposal: ${id}`, 'Give its number or its id of 64 hex digits.')
  return id
}
