import { blake3 } from '@noble/hashes/blake3.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import t from 'tap'
import { jsonDigest } from '../../src/core/digest.ts'

const hash = (text: string): string => bytesToHex(blake3(Buffer.from(text)))

t.test('the hash is BLAKE3 as published', async t => {
  t.equal(hash('hello world'), 'd74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24')
  t.equal(hash(''), 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262')
})

t.test('a digest is the BLAKE3 of the canonical JSON', async t => {
  t.equal(jsonDigest({ b: [1, 'é', null], a: 1e21 }), `b3:${hash('{"a":1e+21,"b":[1,"é",null]}')}`)
  t.equal(jsonDigest('hello world'), `b3:${hash('"hello world"')}`)
})

t.test('the order of members does not matter, the order of a list does', async t => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), object => {
    t.equal(jsonDigest(Object.fromEntries(Object.entries(object).reverse())), jsonDigest(object))
  }))
  t.not(jsonDigest([1, 2]), jsonDigest([2, 1]))
})

t.test('what has no JSON form has no digest', async t => {
  t.throws(() => jsonDigest(undefined), TypeError)
})
