import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Change } from './rules.ts'

const FOLDER = 'governance/'

export interface History {
  readonly changes: readonly Change[]
  /** What could not be looked at, for people to read. */
  readonly notices: readonly string[]
}

/**
 * What git knows to have changed in governance/: in the working tree, and in every commit that HEAD has and `since` has
 * not. By default that is the last commit against its first parent, so for a merge all that was merged.
 */
export function readHistory (root: string, since = 'HEAD^1'): History {
  const git = (...args: readonly string[]): string | undefined => {
    const { status, stdout } = spawnSync('git', ['-C', root, '-c', 'core.quotePath=false', ...args], { encoding: 'utf8', maxBuffer: 1 << 28 })
    return status === 0 ? stdout : undefined
  }
  if (git('rev-parse', '--verify', '--quiet', 'HEAD^{commit}') === undefined) return { changes: [], notices: ['Audit plans were not looked for: this is no git checkout with a commit.'] }
  const changes = [...workingTree(root, git)]
  if (git('rev-parse', '--verify', '--quiet', `${since}^{commit}`) === undefined) return { changes, notices: [`Audit plans of commits were not looked for: there is no ${since} here.`] }
  for (const commit of lines(git('rev-list', `${since}..HEAD`))) {
    // -c: of a merge, only what is as in none of its parents.
    const tree = ['diff-tree', '-c', '-r', '--no-commit-id']
    changes.push({
      what: git('show', '--no-patch', '--format=%h (%s)', commit)?.trim() ?? commit,
      paths: below(git(...tree, '--name-only', commit, '--', FOLDER)),
      message: git('show', '--no-patch', '--format=%B', commit) ?? '',
      decisionLines: added(git(...tree, '-p', '-U0', commit, '--', `${FOLDER}decisions`)),
    })
  }
  return { changes, notices: [] }
}

function workingTree (root: string, git: (...args: readonly string[]) => string | undefined): Change[] {
  const untracked = below(git('ls-files', '--others', '--exclude-standard', '--', FOLDER))
  const paths = [...below(git('diff', '--name-only', 'HEAD', '--', FOLDER)), ...untracked]
  if (paths.length === 0) return []
  const texts = untracked.filter(path => path.startsWith('decisions/')).flatMap(path => lines(readFileSync(join(root, FOLDER, path), 'utf8')))
  return [{ what: 'The working tree', paths, message: '', decisionLines: [...added(git('diff', '-U0', 'HEAD', '--', `${FOLDER}decisions`)), ...texts] }]
}

function below (paths: string | undefined): string[] {
  return lines(paths).map(path => path.slice(FOLDER.length))
}

function added (patch: string | undefined): string[] {
  return lines(patch).filter(line => /^\+(?!\+\+ )/.test(line)).map(line => line.replace(/^\++/, ''))
}

function lines (text: string | undefined): string[] {
  return (text ?? '').split('\n').filter(line => line !== '')
}
