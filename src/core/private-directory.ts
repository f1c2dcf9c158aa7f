/** What `lstat` says of a path. */
interface PathStats {
  isSymbolicLink (): boolean
  isDirectory (): boolean
  readonly uid: number
  readonly mode: number
}

/**
 * What keeps a directory from being this user's alone, as the end of a sentence, or undefined. Whoever else can enter it, or swap
 * it, could pose as the daemon or alter what it keeps there.
 */
export function findDirectoryFault (directory: PathStats, uid: number | undefined): string | undefined {
  if (directory.isSymbolicLink()) return 'is a symbolic link'
  if (!directory.isDirectory()) return 'is not a directory'
  if (directory.uid !== uid) return `belongs to user ${directory.uid}`
  if ((directory.mode & 0o077) !== 0) return `is open to other users (mode ${(directory.mode & 0o777).toString(8).padStart(4, '0')})`
  return undefined
}
