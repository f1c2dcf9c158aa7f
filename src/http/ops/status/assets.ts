// Served as files of their own, so that the page needs no inline code and the Content-Security-Policy allows none.

export const STYLE = `:root { color-scheme: light dark; --line: light-dark(#d5d9e0, #3a404b); --muted: light-dark(#59616e, #a3acba); --accent: light-dark(#1f5fbf, #7fb0ff); --good: light-dark(#176b3a, #6fd699); --bad: light-dark(#a61b1b, #ff9d9d); --panel: light-dark(#fff, #1b1f26); --self: light-dark(#c2570c, #ffb169) }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; background: light-dark(#f4f5f7, #12151a) }
header, footer { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; justify-content: space-between }
footer { justify-content: start }
h1 { font-size: 1.25rem; margin: 0 } h1 small { font-size: .875rem; font-weight: normal; color: var(--muted); overflow-wrap: anywhere } h2 { font-size: 1rem; margin: 0 0 .5rem }
#live { margin: 0; color: var(--muted) }
.tiles { grid-template-columns: repeat(2, 1fr) } main { display: grid; gap: 1rem; margin: 1rem 0 } section { grid-column: span 1 } #state, #glance, #daemon { grid-column: 1 / -1 }
@media (min-width: 48rem) { main { grid-template-columns: repeat(2, minmax(0, 1fr)) } #governance { grid-column: 1 / -1 } .tiles { grid-template-columns: repeat(3, 1fr) } }
@media (min-width: 70rem) { main { grid-template-columns: repeat(3, minmax(0, 1fr)) } #governance { grid-column: span 1 } .tiles { grid-template-columns: repeat(6, 1fr) } #daemon dl { columns: 2; column-gap: 2.5rem } }
section { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; min-width: 0 }
#state { border-left: .5rem solid var(--bad) } #state:not(:has(.bad)) { border-left-color: var(--good) } #state h2 { font-size: 1.75rem; line-height: 1.2 }
.good { color: var(--good); margin: 0 } .bad { color: var(--bad); margin: 0; padding-left: 1.25rem } .none { color: var(--muted); margin: 0 }
dl { margin: 0 } dl div { display: flex; justify-content: space-between; gap: 1rem; border-top: 1px solid var(--line); padding: .2rem 0 }
dl div { break-inside: avoid } dl div:first-child { border-top: 0 } dt { color: var(--muted); flex: none } dd { margin: 0; text-align: right; overflow-wrap: anywhere; font-variant-numeric: tabular-nums }
.tiles { display: grid; gap: .75rem 1.5rem } .tiles div { display: block; border: 0; padding: 0 }
.tiles dd { text-align: left; font-size: 1.5rem; line-height: 1.3 } .tiles dt { font-size: .875rem } .spark { height: 2rem } .spark .line { stroke-width: 1.5; vector-effect: non-scaling-stroke }
svg { display: block; width: 100%; max-width: 30rem; height: auto; margin: 0 auto } svg + .none { margin: .5rem 0; font-size: .875rem } .none b { color: light-dark(#000, #fff) } .ring { max-width: 16rem }
svg text { fill: currentColor; font-size: 13px } svg .tick { font-size: 11px; fill: var(--muted) } svg .value { font-size: 12px } .bar { fill: var(--accent) } .line { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linejoin: round } .area { fill: var(--accent); opacity: .14 }
.span { fill: var(--accent) } .span.done { fill: var(--good) } .span.ended { fill: var(--line) } .span.late { fill: var(--bad) }
.axis, .track { fill: none; stroke: var(--line) } .grid { stroke: var(--line); stroke-dasharray: 1 3 } .bound { stroke: var(--muted); stroke-dasharray: 3 3 } .peer { fill: var(--accent); opacity: .7 } .self { fill: var(--self); stroke: var(--panel); stroke-width: 2 }
a { color: var(--accent) } :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.unseen { position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden; clip-path: inset(50%) } .skip { position: absolute; left: -100vw } .skip:focus { position: static }
@media (prefers-reduced-motion: no-preference) { section { transition: border-color .3s } }
`

/** Replaces the sections that changed, never one that holds the focus or a selection. */
export const SCRIPT = `const live = document.getElementById('live')
const said = document.getElementById('said')
const say = text => { if (said.textContent !== text) said.textContent = text } // is read aloud, so only what is new
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
  say(ready ? 'The daemon is ready.' : 'The daemon is not ready.')
})
events.addEventListener('error', () => {
  live.textContent = 'The daemon does not answer; what is shown is old.'
  say(live.textContent)
})
`
