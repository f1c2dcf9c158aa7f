import { randomBytes } from 'node:crypto'
import { decodeToken, encodeToken } from '../../src/auth/macaroon/codec.ts'
import { attenuate, attenuateByThirdParty, bindDischarge, mintMacaroon, type Macaroon } from '../../src/auth/macaroon/macaroon.ts'
import { DaemonProcess } from './daemon-process.ts'
import type { Drill } from './drill.ts'

/** Capabilities that are too narrow, over, of somebody else, or tampered with: refused every time, and nothing of why helps a thief. */
export const rogueAdmin: Drill = async (notes, stack) => {
  const daemon = stack.use(await DaemonProcess.start({ 'admin.listen': '127.0.0.1:0' }))
  const other = stack.use(await DaemonProcess.start())
  const owner = decodeToken(daemon.started.owner)
  const narrow = (...conditions: readonly string[]): string => encodeToken(conditions.reduce((token, text) => attenuate(token, Buffer.from(text)), owner))
  const read = async (capability: string) => await daemon.admin('GET', '/v1/status', { capability })

  notes.expect('the owner is served', (await read(daemon.started.owner)).status === 200, 'refused')
  const allowed = narrow('scope = status', 'verbs in read', 'expires <= 2999-01-01T00:00:00Z')
  notes.expect('a capability that is narrow enough is served', (await read(allowed)).status === 200, await read(allowed))

  const caveatKey = randomBytes(32)
  const guarded = (): Macaroon => attenuateByThirdParty(owner, caveatKey, Buffer.from('who is it'), 'https://idp.example')
  const [first, second] = [guarded(), guarded()]
  const discharge = mintMacaroon(caveatKey, Buffer.from('who is it'), 'https://idp.example')
  const bound = encodeToken(bindDischarge(first, discharge))
  notes.expect('with its own discharge a capability is served', (await read(`${encodeToken(first)},${bound}`)).status === 200, await read(`${encodeToken(first)},${bound}`))

  const limited = decodeToken(narrow('scope = peer'))
  const rogues: Readonly<Record<string, string>> = {
    'no capability': '',
    'not a capability': 'AAAA',
    'the wrong scope': narrow('scope = peer'),
    'the wrong verb': narrow('verbs in write'),
    'another service': narrow('service = svc-mail'),
    'another action': narrow('action = provider:write'),
    'an expired one': narrow('expires <= 2020-01-01T00:00:00Z'),
    'one that is not valid yet': narrow('not-before >= 2999-01-01T00:00:00Z'),
    'the wrong address': narrow('ip = 203.0.113.7'),
    'another proposal': narrow(`proposal = ${'0'.repeat(64)}`),
    'an unknown caveat': narrow('mood = good'),
    'scopes that exclude each other': narrow('scope = status', 'scope = peer'),
    'of another daemon': other.started.owner,
    'a stripped caveat': encodeToken({ ...limited, caveats: [] }),
    'a changed caveat': encodeToken({ ...limited, caveats: [{ identifier: Buffer.from('scope = status') }] }),
    'a forged signature': encodeToken({ ...owner, signature: randomBytes(32) }),
    'a root key of its own': encodeToken(mintMacaroon(randomBytes(32), owner.identifier, owner.location)),
    'a missing discharge': encodeToken(first),
    'a discharge that is not bound': `${encodeToken(first)},${encodeToken(discharge)}`,
    'a discharge of another capability': `${encodeToken(second)},${bound}`,
    'a discharge used twice': `${encodeToken(first)},${bound},${bound}`,
    'a cut one': daemon.started.owner.slice(0, -4),
    'one with more behind it': `${daemon.started.owner}AAAA`,
  }
  const minted = await daemon.admin('POST', '/v1/caps', { capability: daemon.started.owner, body: { memo: 'drill', role: 'auditor' } })
  const { id, token } = minted.body as { readonly id: string, readonly token: string }
  notes.expect('one that was minted is served', (await read(token)).status === 200, minted.status)
  const revoked = await daemon.admin('DELETE', `/v1/caps/${id}`, { capability: daemon.started.owner })
  notes.expect('it is revoked', revoked.status === 200, revoked)
  for (const [what, capability] of Object.entries({ ...rogues, 'one replayed after its revocation': token })) {
    const { status, body } = await read(capability)
    notes.expect(`${what} is refused with 403`, status === 403, { status, body })
  }
  const overTcp = await fetch(`${daemon.started.admin_url}/v1/status`)
  notes.expect('over TCP nobody is served without one either', overTcp.status === 403, overTcp.status)
  const counted = await daemon.metric('rejected_total{reason="unauth"}')
  notes.expect('each is counted', counted === Object.keys(rogues).length + 2, counted)
  notes.expect('the owner is served after it', (await read(daemon.started.owner)).status === 200, 'refused')
}
