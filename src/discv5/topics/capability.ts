import type { NodeRecord } from '../engine.ts'

/** The entry of a record that says a node speaks of topics, as the theory names it; `enr-entries/ng.md` calls it by its long name. */
export const TOPICS_KEY = 'ng'
const OTHER_KEY = 'topic-discovery'
export const TOPICS_VERSION = 1

/** Whether a node may be asked about topics: it says so, and of the version that we speak. */
export function speaksOfTopics ({ pairs }: Pick<NodeRecord, 'pairs'>): boolean {
  const version = pairs.get(TOPICS_KEY) ?? pairs.get(OTHER_KEY)
  return version?.length === 1 && version[0] === TOPICS_VERSION
}
