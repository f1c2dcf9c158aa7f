import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import t from 'tap'
import { joinAddress, startTestDaemon, startTestOverlay, until } from '../../../daemon.ts'
import { ROOT } from '../../../process.ts'

t.setTimeout(240_000)

const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome'].find(name => spawnSync(name, ['--version']).status === 0)
const skip = CHROMIUM === undefined ? 'no Chromium is installed (Debian: chromium)' : false
/** Kept to look at after a run; they are not compared. */
const SCREENSHOTS = join(ROOT, 'artifacts', 'screenshots')

t.test('in a real browser', { skip, timeout: 120_000 }, async t => {
  const [daemon, other] = await startTestOverlay(t, 2) as [Awaited<ReturnType<typeof startTestDaemon>>, Awaited<ReturnType<typeof startTestDaemon>>]
  const path = spawnSync('which', [CHROMIUM ?? ''], { encoding: 'utf8' }).stdout.trim()
  const browser = await chromium.launch({ executablePath: path, args: ['--no-sandbox'] })
  t.teardown(async () => await browser.close())
  mkdirSync(SCREENSHOTS, { recursive: true })
  const url = `${daemon.opsUrl}/status`

  async function open (options: Parameters<typeof browser.newPage>[0] = {}): Promise<{ page: Page, complaints: string[] }> {
    const page = await browser.newPage(options)
    const complaints: string[] = []
    page.on('console', message => { if (message.type() === 'error') complaints.push(message.text()) })
    page.on('pageerror', error => complaints.push(error.message))
    page.on('request', request => { if (!request.url().startsWith(daemon.opsUrl)) complaints.push(`asks elsewhere: ${request.url()}`) })
    await page.goto(url)
    return { page, complaints }
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    await t.test(`the page shows state and plots, asks nobody else, and breaks no policy: ${colorScheme}`, async t => {
      const { page, complaints } = await open({ colorScheme })
      t.equal(await page.title(), 'Ready – svc-dht')
      t.match(await page.locator('#daemon').innerText(), daemon.peerId)
      t.equal(await page.locator('#keyspace circle.self').count(), 1)
      t.equal(await page.locator('#buckets rect.bar').count() > 0, true)
      t.match(await page.locator('#audit').innerText(), 'It takes entries.')
      t.match(await page.locator('#governance').innerText(), 'Nobody governs this daemon')
      t.strictSame(complaints, [])
      await page.screenshot({ path: join(SCREENSHOTS, `status-${colorScheme}.png`), fullPage: true })
      await page.close()
    })
  }

  await t.test('the essentials are there without JavaScript, and on a telephone', async t => {
    const { page } = await open({ javaScriptEnabled: false, viewport: { width: 360, height: 740 } })
    t.match(await page.locator('#state').innerText(), 'Ready')
    t.match(await page.locator('#lookups').innerText(), 'Lookups')
    t.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, 'nothing is wider than the screen')
    await page.screenshot({ path: join(SCREENSHOTS, 'status-telephone.png'), fullPage: true })
    await page.close()
  })

  await t.test('by keyboard one skips to the state, and reaches every link in order', async t => {
    const { page } = await open()
    const reached: string[] = []
    for (let presses = 0; presses < 4; presses++) {
      await page.keyboard.press('Tab')
      reached.push(String(await page.evaluate('document.activeElement.textContent')))
    }
    t.strictSame(reached, ['Skip to the state', 'Metrics', 'Readiness', 'Version'])
    await page.close()
  })

  await t.test('every section and every plot has a name that is read out', async t => {
    const { page } = await open()
    t.equal(await page.getByRole('region').count(), await page.locator('section').count())
    t.equal(await page.locator('svg:not([role=img][aria-label])').count(), 0)
    t.equal(await page.getByRole('status').count(), 1)
    await page.close()
  })

  await t.test('the open page tells at once that the daemon is not ready any more, and why', async t => {
    const { page, complaints } = await open()
    await until(async () => (await page.locator('#live').innerText()).startsWith('Live'), 'the page is live')
    await other[Symbol.asyncDispose]()
    await until(async () => await page.title() === 'Not ready – svc-dht', 'the page says so')
    t.match(await page.locator('#state').innerText(), 'bootstrap')
    await page.screenshot({ path: join(SCREENSHOTS, 'status-not-ready.png'), fullPage: true })
    t.strictSame(complaints, [])
    daemon.bootstrapFrom([joinAddress(await startTestDaemon(t))])
    await until(async () => await page.title() === 'Ready – svc-dht', 'and that it is again')
  })

  await t.test('the daemon stops though pages are open', async t => {
    const { page } = await open()
    await until(async () => (await page.locator('#live').innerText()).startsWith('Live'), 'the page is live')
    await daemon[Symbol.asyncDispose]()
    await until(async () => (await page.locator('#live').innerText()).includes('does not answer'), 'the page says so')
    t.pass('it does')
  })
})
