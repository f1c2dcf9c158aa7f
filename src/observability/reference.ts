import { readFileSync, writeFileSync } from 'node:fs'
import { COMMON_FIELDS, EVENTS } from './events.ts'

const PAGE = new URL('../../ops/LOGS.md', import.meta.url)

const INTRO = `# Logs

Generated from \`src/observability/events.ts\` by \`npm run docs:generate\`; \`npm run check\` fails when it is stale.

The daemon writes one JSON object a line to its standard output. From level \`info\` on every line is an event of the table below; filter
by \`event\`, not by \`msg\`. Lines at \`debug\` and \`trace\` have no event and promise nothing. A line has the fields named here and no
others: what an error of a library carries along, such as bytes of a request, is not written, and neither is any capability, key or passphrase. A
capability is named by the id of its grant (\`principal\`).

\`\`\`sh
journalctl -u svc-dht -o cat | jq -c 'select(.level == "error" or .level == "fatal")'
journalctl -u svc-dht -o cat | jq -c 'select(.event == "request" and .latency_ms > 500)'
journalctl -u svc-dht -o cat | jq -c --arg id "$REQUEST_ID" 'select(.request_id == $id)'
\`\`\`
`

/** The page of what is logged, in Markdown. */
export function renderEventReference (): string {
  const fields = Object.entries(COMMON_FIELDS).map(([name, doc]) => `| \`${name}\` | ${doc} |`)
  const events = Object.entries(EVENTS).map(([name, { level, when, fields }]) => `| \`${name}\` | ${level} | ${when} | ${fields.map(field => `\`${field}\``).join(' ') || '–'} |`)
  return [
    INTRO, '## Fields of any line\n', '| field | |', '|---|---|', ...fields, '',
    '## Events\n', '| event | level | when | fields of its own |', '|---|---|---|---|', ...events, '',
  ].join('\n')
}

if (import.meta.main) {
  if (!process.argv.includes('--check')) {
    writeFileSync(PAGE, renderEventReference())
  } else if (readFileSync(PAGE, 'utf8') !== renderEventReference()) {
    process.stderr.write('ops/LOGS.md is stale: run `npm run docs:generate`\n')
    process.exitCode = 1
  }
}
