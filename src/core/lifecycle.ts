import type { Component } from './component.ts'
import type { ReadinessCheck } from './readiness.ts'

/** Starts last and stops first, so that the daemon says it is not ready before anything closes. */
export class Lifecycle implements Component, ReadinessCheck {
  readonly name = 'lifecycle'
  #phase: 'starting' | 'running' | 'stopping' = 'starting'

  async start (): Promise<void> { this.#phase = 'running' }
  async stop (): Promise<void> { this.#phase = 'stopping' }
  reason (): string | undefined { return this.#phase === 'running' ? undefined : `the daemon is ${this.#phase}` }
}
