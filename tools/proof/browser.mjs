// `npm run proof -- browser`: a real Chromium looks at a real standalone while it copies. Pictures land in .cache/proof/browser.
// usage: node tools/proof/browser.mjs [--update-images]     the latter copies the pictures of the documentation to docs/images
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { cache, root } from '../install.mjs';
import { Checks } from './airflow/checks.mjs';
import { findChromium, launch } from './browser/chromium.mjs';
import { cutLine } from './browser/cut-line.mjs';
import { aShop, tables } from './browser/shop.mjs';

const folder = join(cache, 'proof', 'browser');
const desk = { width: 1440, height: 900 };
const phone = { width: 390, height: 844 };
const firstLoadLimit = 250 * 1024;
const pictures = ['runs-in-flight.png', 'run-green.png'];
const largestPicture = 250 * 1024;
const checks = new Checks();
const axe = readFileSync(join(root, 'node_modules', 'axe-core', 'axe.min.js'), 'utf8');
const exact = (count) => count.toLocaleString('en-GB');

const shot = (page, name) => page.screenshot({ path: join(folder, name), animations: 'disabled' });
async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run());
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
}
/** The page in both themes: without a violation, and as a picture. */
async function inBothThemes(page, name) {
  for (const colorScheme of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    checks.equal(`${name}, ${colorScheme}: axe has nothing to say`, await violations(page), []);
    await shot(page, `${name}-${colorScheme}.png`);
  }
}
/** Bytes a first visit downloads, compressed as a server would: code, styles and the Latin text font. */
function firstLoad() {
  const assets = join(root, 'dist', 'apps', 'dashboard', 'assets');
  const size = (name) => (name.endsWith('.woff2') ? statSync(join(assets, name)).size : gzipSync(readFileSync(join(assets, name))).length);
  const index = readFileSync(join(root, 'dist', 'apps', 'dashboard', 'index.html'), 'utf8');
  return readdirSync(assets).filter((name) => index.includes(name) || /^inter-latin-wght/.test(name)).reduce((sum, name) => sum + size(name), 0);
}
const numberAtStart = (text) => Number((/^[\d,]+/.exec(text)?.[0] ?? '0').replaceAll(',', ''));
const rowCount = async (row) => numberAtStart(await row.locator('[data-part=rows]').innerText());

async function emptyPage(page, url, token) {
  await page.goto(`${url}/#token=${token}`);
  await page.getByText('Runs appear here as they start').waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
  await inBothThemes(page, 'empty');
  await page.evaluate(() => { globalThis.neverReloaded = true; });
}
async function twoRunsEnd(page, shop) {
  for (const name of ['customers', 'shipments']) {
    await shop.copy(name);
    checks.say('asked for', name);
    await page.getByRole('row').filter({ hasText: name }).getByText('Green').waitFor({ timeout: 30_000 });
  }
  checks.equal('two copies appear and end green without a reload', await page.getByRole('row').count(), 3);
}
async function runMoves(page, shop, line) {
  await shop.copy('orders');
  const row = page.getByRole('row').filter({ hasText: 'orders' });
  await row.waitFor({ timeout: 20_000 });
  await page.waitForFunction((half) => Number((/^[\d,]+/.exec(document.querySelector('tbody tr [data-part=rows]')?.textContent ?? '0') ?? ['0'])[0].replaceAll(',', '')) > half, tables.orders / 5, { timeout: 20_000 });
  const early = await rowCount(row);
  await shot(page, 'runs-in-flight.png');
  line.cut();
  await page.getByText('Reconnecting', { exact: true }).waitFor({ timeout: 5_000 });
  await shot(page, 'reconnecting.png');
  line.mend();
  await page.getByText('Live', { exact: true }).waitFor({ timeout: 15_000 });
  await row.getByText('Green').waitFor({ timeout: 60_000 });
  checks.equal('a run moves while it is in flight', early > 0 && early < tables.orders, true);
  checks.equal('after a cut line the page catches up by itself, to the row', await rowCount(row), tables.orders);
}
async function runPage(page) {
  await page.getByRole('link', { name: 'orders', exact: true }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: /green in/ }).waitFor();
  const rows = exact(tables.orders);
  checks.equal('the equation of the receipt balances', (await page.locator('.equation').innerText()).replaceAll(/\s+/g, ' ').trim(), `${rows} read = 0 filtered + 0 rejected + ${rows} written`);
  checks.equal('the receipt names both digests as equal', await page.getByLabel('Receipt').getByText('equal', { exact: true }).count(), 1);
  await inBothThemes(page, 'run');
  await shot(page, 'run-green.png');
  await page.goBack();
  await page.getByRole('heading', { name: /green/ }).waitFor();
  checks.equal('the page was never reloaded', await page.evaluate(() => globalThis.neverReloaded === true), true);
}
async function otherStates(page, line) {
  await inBothThemes(page, 'runs');
  await page.setViewportSize(phone);
  checks.equal('on a phone nothing sticks out', await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
  await inBothThemes(page, 'phone');
  await page.setViewportSize(desk);
  await page.goto(`${line.url}/runs/018f0000-0000-7000-8000-00000000ffff`);
  await page.getByText('There is no such run').waitFor();
  await page.goto(`${line.url}/#token=wrong`);
  await page.reload();
  await page.getByRole('alert').waitFor();
  await inBothThemes(page, 'refused');
}
/** Every documented metric of a standalone; lag is what a broker knows, and the scenarios of the four processes look for it. */
async function metricsAreEmitted({ url, token }) {
  const documented = [...readFileSync(join(root, 'docs', 'reference', 'metrics.md'), 'utf8').matchAll(/^- `(etl_\w+)`/gm)].map(([, name]) => name);
  const text = await (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } })).text();
  const missing = documented.filter((name) => !new RegExp(`^# TYPE ${name} `, 'm').test(text));
  checks.equal(`the ${documented.length} documented metrics are emitted`, [documented.length > 10, missing], [true, ['etl_consumer_lag']]);
}
/** Pictures of the documentation, each small enough to look at over a slow line. */
function updateImages() {
  const images = join(root, 'docs', 'images');
  mkdirSync(images, { recursive: true });
  for (const name of pictures) {
    checks.equal(`${name} is small enough`, statSync(join(folder, name)).size <= largestPicture, true);
    copyFileSync(join(folder, name), join(images, name));
  }
}

async function prove(path) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const shop = aShop(join(folder, 'project'));
  let browser;
  let line;
  let page;
  try {
    checks.equal(`the first load is at most ${firstLoadLimit / 1024} kB (it is ${Math.round(firstLoad() / 1024)})`, firstLoad() <= firstLoadLimit, true);
    const running = await shop.start();
    checks.say('ready', running.url);
    browser = await launch(path);
    line = await cutLine(running.port);
    page = await (await browser.newContext({ viewport: desk, colorScheme: 'light', timezoneId: 'Europe/Lisbon', bypassCSP: true })).newPage();
    const complaints = [];
    page.on('pageerror', (error) => { complaints.push(error.message); });
    await emptyPage(page, line.url, running.token);
    await twoRunsEnd(page, running);
    await runMoves(page, running, line);
    await runPage(page);
    await metricsAreEmitted(running);
    await otherStates(page, line);
    checks.equal('no script of the page failed', complaints, []);
    if (process.argv.includes('--update-images')) updateImages();
  } catch (error) {
    checks.fail(error.message);
    await page?.screenshot({ path: join(folder, 'failed.png') }).catch(() => undefined); // the browser itself may be gone
  } finally {
    line?.stop();
    await browser?.close();
    await shop.stop();
  }
}

const { path, reason } = findChromium();
if (!path) { process.stdout.write(`SKIPPED browser: ${reason}\n`); process.exit(75); }
await prove(path);
process.stdout.write(`${checks.wrong.length ? `WRONG: ${checks.wrong.join('; ')}` : 'all as it should be'}; pictures in ${folder}\n`);
process.exit(checks.wrong.length ? 1 : 0);
