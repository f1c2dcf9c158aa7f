// Served as files of their own, so that the page needs no inline code and the Content-Security-Policy allows none.

export const STYLE = `:root { color-scheme: light dark; --line: light-dark(#d5d9e0, #3a404b); --muted: light-dark(#59616e, #a3acba); --accent: light-dark(#1f5fbf, #7fb0ff); --good: light-dark(#176b3a, #6fd699); --bad: light-dark(#a61b1b, #ff9d9d); --panel: light-dark(#fff, #1b1f26) }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; background: light-dark(#f4f5f7, #12151a) }
header, footer { display: flex; gap: 1rem; align-items: baseline; justify-content: space-between }
footer { justify-content: start }
h1 { font-size: 1.25rem; margin: 0; white-space: nowrap } h2 { font-size: 1rem; margin: 0 0 .5rem }
#live { margin: 0; color: var(--muted) }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1rem; margin: 1rem 0 }
section { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; min-width: 0 }
#state { grid-column: 1 / -1; border-left: .5rem solid var(--bad) } #state:not(:has(.bad)) { border-left-color: var(--good) } #state h2 { font-size: 1.75rem; line-height: 1.2 }
.good { color: var(--good); margin: 0 } .bad { color: var(--bad); margin: 0; padding-left: 1.25rem } .none { color: var(--muted); margin: 0 }
dl { margin: 0 } dl div { display: flex; justify-content: space-between; gap: 1rem; border-top: 1px solid var(--line); padding: .2rem 0 }
dl div:first-child { border-top: 0 } dt { color: var(--muted); flex: none } dd { margin: 0; text-align: right; overflow-wrap: anywhere; font-variant-numeric: tabular-nums }
svg { display: block; width: 100%; height: auto } svg + .none { margin-top: .5rem; font-size: .875rem } .ring { max-width: 16rem; margin: 0 auto }
svg text { fill: currentColor; font-size: 13px } .bar { fill: var(--accent) } .line { fill: none; stroke: var(--accent); stroke-width: 2 }
.span { fill: var(--accent) } .span.done { fill: var(--good) } .span.ended { fill: var(--line) } .span.late { fill: var(--bad) }
.axis, .track { fill: none; stroke: var(--line) } .bound { stroke: var(--muted); stroke-dasharray: 3 3 } .peer { fill: var(--accent); opacity: .7 } .self { fill: var(--bad) }
a { color: var(--accent) } :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.skip { position: absolute; left: -100vw } .skip:focus { position: static }
@media (prefers-reduced-motion: no-preference) { section { transition: border-color .3s } }
`

/** Replaces the sections that changed, never one that holds the focus or a selection. */
export const SCRIPT = `const live = document.getElementById('live')
const events = new EventSource('status/events')
events.addEventListener('status', ({ data }) => {
  const { at, ready, main } = JSON.parse(data)
  const next = new DOMParser().parseFromString(main, 'text/html')
  for (const section of next.querySelectorAll('section')) {
    const shown = document.getElementById(section.id)
    const isInUse = shown?.contains(document.activeElement) || (!getSelection().isCollapsed && shown?.contains(getSelection().anchorNode))
    if (shown !== null && !isInUse && shown.innerHTML !== section.innerHTML) shown.replaceWith(section)
  }
  document.title = (ready ? 'Ready' : 'Not ready') + ' – svc-dht'
  live.textContent = 'Live, as of ' + at
})
events.addEventListener('error', () => { live.textContent = 'The daemon does not answer; what is shown is old.' })
`
