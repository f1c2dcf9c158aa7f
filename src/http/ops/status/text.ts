const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Safe between tags and in quoted attributes. */
export function escapeHtml (text: string): string {
  return text.replaceAll(/[&<>"']/g, char => ENTITIES[char] ?? '')
}

/** `1 234 567`, with thin spaces that do not break. */
export function formatCount (value: number): string {
  return Math.round(value).toString().replaceAll(/\B(?=(\d{3})+$)/g, '\u202f')
}

/** `250 ms`, `1.5 s`; a dash for what was not measured. */
export function formatSeconds (seconds: number | undefined): string {
  if (seconds === undefined) return '–'
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`
}

/** A moment as people read it aloud: UTC, to the second. */
export function toSecond (at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

export function formatBytes (bytes: number): string {
  return `${formatCount(bytes / 2 ** 20)} MiB`
}

/** The largest unit and the one after it: `3 d 4 h`, `5 min`. */
export function formatDuration (ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const parts = [[Math.floor(seconds / 86_400), 'd'], [Math.floor(seconds / 3600) % 24, 'h'], [Math.floor(seconds / 60) % 60, 'min'], [seconds % 60, 's']] as const
  const from = parts.findIndex(([value]) => value > 0)
  return from === -1 ? '0 s' : parts.slice(from, from + 2).filter(([value]) => value > 0).map(([value, unit]) => `${value} ${unit}`).join(' ')
}
