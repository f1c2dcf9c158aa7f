import assert from 'node:assert/strict'
import { get, listOf, type Peer, type Rule, type Subject } from './rule.ts'

/** IPIP-484, checked against what the same server answers without filters; so any CID with mixed providers will do. */
export const FILTER_RULES: readonly Rule[] = [
  rule('filter-addrs keeps addresses with any of the named protocols', async subject => {
    const expected = withAddrs(await ask(subject), has('tcp', 'quic-v1'))
    assert.deepEqual(await ask(subject, 'filter-addrs=tcp,quic-v1'), expected)
  }),
  rule('filter-addrs with ! drops addresses with any of the named protocols', async subject => {
    const expected = withAddrs(await ask(subject), address => !has('ip6', 'p2p-circuit')(address))
    assert.deepEqual(await ask(subject, 'filter-addrs=!ip6,!p2p-circuit'), expected)
  }),
  rule('filter-addrs with both needs one named protocol and none of the excluded', async subject => {
    const expected = withAddrs(await ask(subject), address => has('tcp')(address) && !has('ip6')(address))
    assert.deepEqual(await ask(subject, 'filter-addrs=tcp,!ip6'), expected)
  }),
  rule('a peer with no address left is dropped', async subject => {
    for (const peer of await ask(subject, 'filter-addrs=tcp')) assert.ok(peer.Addrs.length > 0)
    assert.deepEqual(await ask(subject, 'filter-addrs=no-such-protocol'), [])
  }),
  rule('filter-addrs=unknown keeps peers without addresses', async subject => {
    const peers = await ask(subject)
    const bare = peers.filter(peer => peer.Addrs.length === 0)
    assert.deepEqual(await ask(subject, 'filter-addrs=unknown'), bare)
    assert.deepEqual(await ask(subject, 'filter-addrs=tcp,unknown'), byId([...withAddrs(peers, has('tcp')), ...bare]))
  }, '2.4 (8)'),
  rule('filters ignore case', async subject => {
    assert.deepEqual(await ask(subject, 'filter-addrs=TCP,!IP6'), await ask(subject, 'filter-addrs=tcp,!ip6'))
    assert.deepEqual(await ask(subject, 'filter-protocols=UNKNOWN'), await ask(subject, 'filter-protocols=unknown'))
  }),
  rule('filter-protocols keeps whole peers that speak any named protocol', async subject => {
    const peers = await ask(subject)
    const expected = peers.filter(peer => peer.Protocols.includes('transport-bitswap'))
    assert.deepEqual(await ask(subject, 'filter-protocols=transport-bitswap'), expected)
    assert.deepEqual(await ask(subject, 'filter-protocols=Transport-BITSWAP,transport-none'), expected)
  }),
  rule('filter-protocols=unknown keeps peers whose protocols are not known', async subject => {
    const peers = await ask(subject)
    assert.deepEqual(await ask(subject, 'filter-protocols=unknown'), peers.filter(peer => peer.Protocols.length === 0))
  }),
  rule('both filters apply, and a comma may be encoded', async subject => {
    const expected = withAddrs((await ask(subject)).filter(peer => peer.Protocols.length === 0), has('tcp', 'ws'))
    assert.deepEqual(await ask(subject, 'filter-addrs=tcp%2Cws&filter-protocols=unknown'), expected)
  }),
]

function rule (title: string, check: (subject: Subject) => Promise<void>, section = '2.2'): Rule {
  return { section, level: 'must', title, needs: 'cid', check }
}

async function ask (subject: Subject, query = ''): Promise<readonly Peer[]> {
  return byId(await listOf(await get(subject, `/routing/v1/providers/${subject.fixtures.cid}?${query}`)))
}

function byId (peers: readonly Peer[]): readonly Peer[] {
  return peers.toSorted((a, b) => a.ID < b.ID ? -1 : 1)
}

function withAddrs (peers: readonly Peer[], keep: (address: string) => boolean): readonly Peer[] {
  return peers.map(peer => ({ ...peer, Addrs: peer.Addrs.filter(keep) })).filter(peer => peer.Addrs.length > 0)
}

function has (...protocols: readonly string[]): (address: string) => boolean {
  return address => protocols.some(protocol => address.split('/').includes(protocol))
}
