import type { Id, Population } from './population.ts'

/** Peers in the order of their distance from a target, no more than its capacity. */
export class ClosestList {
  readonly peers: number[] = []
  readonly #population: Population
  readonly #target: Id
  readonly #capacity: number

  constructor (population: Population, target: Id, capacity: number) {
    this.#population = population
    this.#target = target
    this.#capacity = capacity
  }

  /** Whether there is room, or a peer farther away that would make room. */
  canAdd (peer: number): boolean {
    return this.peers.length < this.#capacity || this.#population.compareDistance(peer, this.peers[this.peers.length - 1] as number, this.#target) < 0
  }

  /** The peer must not be in the list. */
  add (peer: number): void {
    if (!this.canAdd(peer)) return
    let place = this.peers.length
    while (place > 0 && this.#population.compareDistance(peer, this.peers[place - 1] as number, this.#target) < 0) place--
    this.peers.splice(place, 0, peer)
    if (this.peers.length > this.#capacity) this.peers.pop()
  }

  remove (peer: number): void {
    const place = this.peers.indexOf(peer)
    if (place >= 0) this.peers.splice(place, 1)
  }
}
