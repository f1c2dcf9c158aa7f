import { readFileSync, writeFileSync } from 'node:fs'
import { envName, eachSetting } from './load.ts'

const PAGE = new URL('../../config/reference.md', import.meta.url)

const INTRO = `# Settings

Generated from \`src/config/settings.ts\` by \`npm run docs:generate\`; \`npm run check\` fails when it is stale.

A setting is given as a flag \`--set kad.bucketSize=20\`, as a variable \`SVC_DHT_KAD_BUCKET_SIZE=20\`, or in a TOML file
(\`--config FILE\`) as \`bucketSize = 20\` under \`[kad]\`. Flags win over variables, variables over the file, the file over
the defaults. Every mistake is reported at once and the daemon exits with 78; an unknown key is a mistake.
Durations are written \`250ms\`, \`10s\`, \`5m\`, \`24h\`, \`7d\`.

*Governed* settings shape the network: a file seeds them, a quorum of signers changes them afterwards.
`

/** The reference page of every setting, in Markdown. */
export function renderReference (): string {
  const lines = [INTRO]
  let heading = ''
  for (const [section, key, setting] of eachSetting()) {
    if (section !== heading) lines.push(`## ${section}\n\n| setting | variable | value | default | |\n|---|---|---|---|---|`)
    heading = section
    const fallback = setting.print(setting.fallback)
    const marks = [setting.governed && '*Governed.*', setting.sensitive && '*Secret file.*'].filter(Boolean).join(' ')
    lines.push(`| \`${section}.${key}\` | \`${envName(`${section}.${key}`)}\` | ${setting.form} | ${fallback === '' ? '–' : `\`${fallback}\``} | ${`${setting.doc} ${marks}`.trim()} |`)
  }
  // A blank line before each heading but none between the rows of a table.
  return lines.join('\n').replaceAll('\n## ', '\n\n## ').replace('\n\n\n', '\n\n') + '\n'
}

if (import.meta.main) {
  if (!process.argv.includes('--check')) {
    writeFileSync(PAGE, renderReference())
  } else if (readFileSync(PAGE, 'utf8') !== renderReference()) {
    process.stderr.write('config/reference.md is stale: run `npm run docs:generate`\n')
    process.exitCode = 1
  }
}
