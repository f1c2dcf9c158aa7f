/** A part of the daemon with a life of its own. `start` that throws has released what it took; `stop` may be called twice. */
export interface Component {
  start (): Promise<void>
  stop (): Promise<void>
}

/** Milliseconds since 1970-01-01 UTC. Passed in, so that tests move it. */
export type Clock = () => number
