import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { ROOT } from './process.ts'

const PAGES = spawnSync('git', ['ls-files', '*.md'], { cwd: ROOT, encoding: 'utf8' }).stdout.split('\n').filter(name => name !== '')

/** Targets of links to other files of the project, without what is in code. */
function linksOf (text: string): string[] {
  const prose = text.replaceAll(/```.*?```/gs, '').replaceAll(/`[^`\n]*`(?!\])/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target).filter(target => !/^[a-z]+:/.test(target))
}

/** The anchor that a heading gets where Markdown is shown. */
function toAnchor (heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').trim().replaceAll(/\s/g, '-')
}

t.test('every link between pages leads to a file and a heading that are there', { skip: PAGES.length === 0 ? 'not a git checkout' : false }, async t => {
  let links = 0
  for (const page of PAGES) {
    for (const target of linksOf(readFileSync(join(ROOT, page), 'utf8'))) {
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path)
      t.ok(existsSync(file), `${page}: ${target}`)
      const headings = anchor === undefined ? [] : [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => toAnchor(heading))
      if (anchor !== undefined) t.ok(headings.includes(anchor), `${page}: ${target}`)
      links++
    }
  }
  t.ok(links > 20, `${links} links`)
})

t.test('the map names every folder of the source, and no test that is not there', async t => {
  const map = readFileSync(join(ROOT, 'src/README.md'), 'utf8')
  const folders = spawnSync('git', ['ls-files', 'src'], { cwd: ROOT, encoding: 'utf8' }).stdout.split('\n').map(name => name.split('/')).filter(parts => parts.length > 2).map(([, folder = '']) => folder)
  t.strictSame([...new Set(folders)].filter(folder => !new RegExp(`^${folder}/`, 'm').test(map)), [])
  const named = [...map.matchAll(/`(test\/[^`]+)`/g)].map(([, path = '']) => path)
  t.strictSame(named.filter(path => !existsSync(join(ROOT, path))), [])
  t.ok(named.length > 40)
})
