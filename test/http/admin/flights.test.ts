import t from 'tap'
import { Flights } from '../../../src/http/admin/flights.ts'

t.test('a principal has so many under way at once, all have so many together, and an end makes room, also an unhappy one', async t => {
  const flights = new Flights({ limit: 3, perPrincipal: 2 })
  const open: Array<PromiseWithResolvers<string>> = []
  const begin = (principal: string): Promise<string> => flights.run(principal, async () => {
    const flight = Promise.withResolvers<string>()
    open.push(flight)
    return await flight.promise
  })
  const first = begin('a')
  const second = begin('a')
  await t.rejects(begin('a'), { code: 'Backpressure', reason: 'http_lookup' })
  const third = begin('b')
  await t.rejects(begin('c'), { code: 'Backpressure' }, 'no more in all')
  t.equal(open.length, 3, 'what is refused does no work')
  open[0]?.reject(new Error('lost'))
  await t.rejects(first, { message: 'lost' })
  const fourth = begin('a')
  for (const flight of open) flight.resolve('done')
  t.strictSame(await Promise.all([second, third, fourth]), ['done', 'done', 'done'])
  await t.resolves(flights.run('c', async () => 'free again'))
})
