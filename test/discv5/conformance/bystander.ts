import { Listener, Tester } from './tester.ts'

/** Between two PINGs with which a bystander that was not noticed shows itself again. */
const SHOW_AGAIN_MS = 10_000

/** A node whose only purpose is a place in the table of the node on trial. */
export class Bystander implements AsyncDisposable {
  readonly tester: Tester
  readonly #listener: Listener
  readonly #noticed = Promise.withResolvers<void>()
  readonly #running: Promise<void>
  #isOver = false

  private constructor (tester: Tester, listener: Listener) {
    this.tester = tester
    this.#listener = listener
    this.#running = this.#run()
  }

  static async start (recordText: string, ip: string): Promise<Bystander> {
    const tester = new Tester(recordText)
    const listener = await Listener.open(ip)
    tester.advertise(listener)
    return new Bystander(tester, listener)
  }

  /** Resolves when the node on trial has asked this one something of its own accord. */
  get noticed (): Promise<void> { return this.#noticed.promise }

  async #run (): Promise<void> {
    const { tester } = this
    let isNoticed = false
    let shownAt = Number.NEGATIVE_INFINITY
    while (!this.#isOver) {
      if (!isNoticed && performance.now() - shownAt > SHOW_AGAIN_MS) {
        await tester.request(this.#listener, { ...tester.ping(), enrSeq: tester.remote.seq })
        shownAt = performance.now()
      }
      const got = await tester.read(this.#listener)
      if (got.type === 'PING') tester.write(this.#listener, { type: 'PONG', reqId: got.reqId, enrSeq: 1n, ip: tester.remote.ip ?? '', port: tester.remote.udp ?? 0 })
      if (got.type === 'FINDNODE') tester.write(this.#listener, { type: 'NODES', reqId: got.reqId, total: 1, records: [] })
      if (got.type === 'TALKREQ') tester.write(this.#listener, { type: 'TALKRESP', reqId: got.reqId, response: new Uint8Array() })
      if (got.type === 'PING' || got.type === 'FINDNODE') {
        isNoticed = true
        this.#noticed.resolve()
      }
    }
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    this.#isOver = true
    await this.#running
    await this.#listener[Symbol.asyncDispose]()
  }
}
