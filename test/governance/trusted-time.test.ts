import t from 'tap'
import { TrustedTime } from '../../src/governance/trusted-time.ts'
import { refusal, HOUR, START } from './fixtures.ts'

function setUp () {
  const clock = { wall: START, monotonic: 0, mark: 0 }
  const open = () => new TrustedTime({ wall: () => clock.wall, monotonic: () => clock.monotonic }, { read: () => clock.mark, write: mark => { clock.mark = mark } })
  return { clock, open }
}

t.test('time follows the clock, and a small step back holds it still', async t => {
  const { clock, open } = setUp()
  const time = open()
  t.equal(time.now(), START)
  clock.wall += 1000
  clock.monotonic += 1000
  t.equal(time.now(), START + 1000)
  clock.wall -= 500
  t.equal(time.now(), START + 1000)
})

t.test('a clock that jumps two hours, either way, is not believed', async t => {
  for (const jump of [-2 * HOUR, 2 * HOUR, Number.NaN]) {
    const { clock, open } = setUp()
    const time = open()
    time.now()
    clock.wall += jump
    t.equal(refusal(() => time.now()), 'gov_clock')
    t.equal(clock.mark, START, 'nothing is remembered of it')
  }
})

t.test('a restart with a clock behind the mark is refused', async t => {
  const { clock, open } = setUp()
  open().now()
  clock.wall -= 2 * HOUR
  t.equal(refusal(() => open().now()), 'gov_clock')
})
