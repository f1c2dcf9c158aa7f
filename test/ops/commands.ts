import { readFileSync } from 'node:fs'

/** The lines of a page's shell blocks, without what is said about them. */
export function commandsOf (page: string): string[] {
  const blocks = [...readFileSync(page, 'utf8').matchAll(/```sh\n(.*?)\n```/gs)].map(([, block = '']) => block)
  return blocks.flatMap(block => block.split('\n')).map(line => line.replace(/ {2}# .*/, '').trim()).filter(line => line !== '')
}
