import { createHmac, timingSafeEqual } from 'node:crypto'
import { canonicalJson } from '../core/digest.ts'
import { HEX_32 } from './actor.ts'
import { integer, object, oneOf, text, type Form, type Of } from './form.ts'
import { stateForm, stateRoot, type State } from './state.ts'

const count = integer(0, Number.MAX_SAFE_INTEGER)
const root = text(64, HEX_32)

/** The last state that was in force, and after how many inputs. */
const snapshotForm = object({ schema: oneOf('svc-dht/governance/snapshot/1'), genesis: root, n: count, time: count, root, state: stateForm })
export type Snapshot = Of<typeof snapshotForm>

/** What was held last: neither a shorter log, nor an older snapshot, nor an earlier time is believed after it. */
const markForm = object({ schema: oneOf('svc-dht/governance/mark/1'), genesis: root, n: count, root, snapshot_n: count, time: count })
export type HeldMark = Of<typeof markForm>

/** Text that only the holder of the key writes; whoever can only reach the disk cannot put another state in it. */
export class SealedText {
  readonly #key: Uint8Array

  constructor (key: Uint8Array) {
    this.#key = key
  }

  sealSnapshot (genesis: string, n: number, time: number, state: State): string {
    return this.#seal({ schema: 'svc-dht/governance/snapshot/1', genesis, n, time, root: stateRoot(state), state } satisfies Snapshot)
  }

  sealMark (mark: HeldMark): string { return this.#seal(mark) }

  /** @throws {Error} with the end of a sentence: what is wrong with it */
  openSnapshot (text: string): Snapshot {
    const snapshot = this.#open(text, snapshotForm)
    if (stateRoot(snapshot.state) !== snapshot.root) throw new Error('its state is not the one that it names')
    return snapshot
  }

  /** @throws {Error} as openSnapshot */
  openMark (text: string): HeldMark { return this.#open(text, markForm) }

  #seal (value: object): string {
    const body = canonicalJson(value)
    return `${body}\n${this.#macOf(body)}\n`
  }

  #open<T> (text: string, form: Form<T>): T {
    const [body = '', mac = '', rest] = text.split('\n', 3)
    const expected = this.#macOf(body)
    if (rest !== '' || mac.length !== expected.length || !timingSafeEqual(Buffer.from(mac), Buffer.from(expected))) throw new Error('it was altered, or is from another daemon')
    return form(JSON.parse(body), 'file')
  }

  #macOf (body: string): string { return createHmac('sha256', this.#key).update(body).digest('hex') }
}
