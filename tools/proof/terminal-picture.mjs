// Pictures of the command line for the documentation: its real output on a real terminal, drawn by Chromium. Only the prompt line is ours: it names the bundled program by its short name.
// usage: node tools/proof/terminal-picture.mjs     writes docs/images/terminal.png; 75 when there is no browser or no `script`
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache, environment, root } from '../install.mjs';
import { findChromium, launch } from './browser/chromium.mjs';
import { aShop } from './browser/shop.mjs';

const columns = 112;
const largest = 250 * 1024;
const folder = join(cache, 'proof', 'terminal');
const colours = { 31: '#fb7256', 32: '#5fdcc6', 33: '#f0c459', 34: '#6ca2ff', 35: '#c985bd', 36: '#5fdcc6', 37: '#ecedef', 90: '#8f929b' };
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** One command on a terminal of `columns`; answers every byte it wrote. */
async function onTerminal(command, cwd) {
  const log = join(folder, 'typescript');
  const child = spawn('script', ['-q', '-e', '-E', 'never', '-c', `stty cols ${columns} rows 60; ${command}`, log], { cwd, stdio: ['pipe', 'ignore', 'inherit'], env: { ...environment(), TERM: 'xterm-256color', COLORTERM: '' } });
  const code = await new Promise((done) => { child.once('exit', done); });
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
  return readFileSync(log, 'utf8').replace(/^Script started[^\n]*\n/, '').replace(/\n?Script done[^\n]*\n?$/, '');
}

/** The screen after these bytes: lines of cells. Knows what the command line writes: colours, carriage return, cursor up, erase. */
class Screen {
  #lines = [[]];
  #at = { row: 0, column: 0 };
  #style = '';
  constructor(onRedraw = () => undefined) { this.onRedraw = onRedraw; } // told before a line is drawn again
  write(text) {
    for (const [piece] of text.matchAll(/\x1b\[[?\d;]*[a-zA-Z]|\x1b\][^\x07]*\x07|[\s\S]/gu)) {
      if (piece.startsWith('\x1b[')) this.#obey(piece.at(-1), piece.slice(2, -1));
      else if (piece === '\n') { this.#at.row += 1; this.#line(); }
      else if (piece === '\r') this.#at.column = 0;
      else if (!piece.startsWith('\x1b')) { this.#line()[this.#at.column] = { text: piece, style: this.#style }; this.#at.column += 1; }
    }
    return this;
  }
  #line() { while (this.#lines.length <= this.#at.row) this.#lines.push([]); return this.#lines[this.#at.row]; }
  #obey(letter, given) {
    const count = Number(given || 1);
    if (letter === 'A') { this.#at.row = Math.max(0, this.#at.row - count); }
    if (letter === 'G') this.#at.column = count - 1;
    if (letter === 'K') { this.onRedraw(this); if (given === '2') this.#lines[this.#at.row] = []; else this.#line().length = Math.min(this.#line().length, this.#at.column); }
    if (letter === 'J') { this.#line().length = Math.min(this.#line().length, this.#at.column); this.#lines.length = this.#at.row + 1; }
    if (letter === 'm') this.#style = styleOf(given, this.#style);
  }
  html() {
    const cell = (one) => { const { text, style } = one ?? { text: ' ', style: '' }; return style ? `<span style="${style}">${escaped(text)}</span>` : escaped(text); };
    return this.#lines.map((line) => Array.from(line, cell).join('')).join('\n').replace(/\s+$/, '');
  }
}
function styleOf(codes, before) {
  return codes.split(';').reduce((style, code) => {
    if (code === '' || code === '0') return '';
    if (code === '22') return style.replaceAll(/font-weight:700;|color:#8f929b;/g, '');
    if (code === '39') return style.replaceAll(/color:[^;]+;/g, '');
    if (code === '1') return `${style}font-weight:700;`;
    if (code === '2') return `${style}color:#8f929b;`;
    return colours[code] ? `${style}color:${colours[code]};` : style;
  }, before);
}
/** The screen when the bar of the copy stood nearest to half, or null when the copy was too quick for one. */
function halfway(bytes) {
  const seen = [];
  new Screen((screen) => {
    const html = screen.html();
    const percent = Number(/copy +\[[#.]+\] +(\d+) %[^\n]*$/.exec(html)?.[1] ?? 0);
    if (percent > 0 && percent < 100) seen.push({ html, off: Math.abs(percent - 50) });
  }).write(bytes);
  return seen.sort((a, b) => a.off - b.off)[0]?.html ?? null;
}
/** Lines of the last screen that were not there yet in flight. */
function since(flying, last) {
  const before = flying.split('\n');
  return last.split('\n').filter((line, at) => line !== before[at]).join('\n');
}
const page = (parts) => `<!doctype html><meta charset="utf-8"><style>
  @font-face { font-family: mono; src: url(data:font/woff2;base64,${readFileSync(join(root, 'node_modules/@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2')).toString('base64')}); }
  body { margin: 0; padding: 22px; background: #e8e8e4; width: max-content; } section { background: #17191d; border-radius: 12px; padding: 18px 22px; box-shadow: 0 6px 24px rgb(0 0 0 / 25%); margin-bottom: 16px; } section:last-child { margin: 0; }
  pre { margin: 0; color: #ecedef; font: 13px/18px mono, monospace; font-variant-ligatures: none; } b { color: #5fdcc6; font-weight: 400; }</style>
  ${parts.map(({ prompt, html }) => `<section><pre>${prompt ? `<b>$</b> ${escaped(prompt)}\n` : ''}${html}</pre></section>`).join('')}`;

async function draw(path) {
  mkdirSync(folder, { recursive: true });
  const project = join(folder, 'project');
  const shop = aShop(project);
  const browser = await launch(path);
  try {
    await shop.start();
    const cli = `node ${join(root, 'dist', 'apps', 'cli', 'main.js')}`;
    const bytes = await onTerminal(`${cli} run shop.public.orders --to warehouse.public.orders`, project);
    writeFileSync(join(folder, 'run.ansi'), bytes);
    const flying = halfway(bytes);
    const parts = [{ prompt: 'agent-etl run shop.public.orders --to warehouse.public.orders', html: new Screen().write(bytes).html() }];
    const view = await browser.newPage({ deviceScaleFactor: 1.5 });
    await view.setContent(page(flying ? [{ prompt: parts[0].prompt, html: flying }, { html: since(flying, parts[0].html) }] : parts));
    await view.evaluate(() => document.fonts.ready);
    const target = join(root, 'docs', 'images', 'terminal.png');
    mkdirSync(join(root, 'docs', 'images'), { recursive: true });
    await view.locator('body').screenshot({ path: target });
    process.stdout.write(`${target}: ${Math.round(statSync(target).size / 1024)} kB\n`);
    return statSync(target).size <= largest ? 0 : 1;
  } finally {
    await browser.close();
    await shop.stop();
  }
}

const { path, reason } = findChromium();
const lacks = path ? (spawnSync('script', ['--version']).status === 0 ? null : 'no `script` (util-linux) here') : reason;
if (lacks) { process.stdout.write(`SKIPPED terminal-picture: ${lacks}\n`); process.exit(75); }
process.exit(await draw(path));
