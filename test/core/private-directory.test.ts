import t from 'tap'
import { findDirectoryFault } from '../../src/core/private-directory.ts'

const UID = 1000

function stats (changes: { readonly link?: boolean, readonly directory?: boolean, readonly uid?: number, readonly mode?: number } = {}) {
  const { link = false, directory = true, uid = UID, mode = 0o40700 } = changes
  return { isSymbolicLink: () => link, isDirectory: () => directory, uid, mode }
}

t.test('a directory of this user that nobody else can enter is private', async t => {
  t.equal(findDirectoryFault(stats(), UID), undefined)
})

t.test('what makes it not private is told', async t => {
  t.equal(findDirectoryFault(stats({ link: true, directory: false }), UID), 'is a symbolic link')
  t.equal(findDirectoryFault(stats({ directory: false }), UID), 'is not a directory')
  t.equal(findDirectoryFault(stats({ uid: 0 }), UID), 'belongs to user 0')
  for (const mode of [0o40710, 0o40704, 0o41777]) t.match(findDirectoryFault(stats({ mode }), UID), /^is open to other users \(mode 07/)
})
