// Bundles one app: our own TypeScript into one file, npm packages left outside. Run in the app's folder; --watch restarts it.
// A project that imports a package its own manifest does not name fails the build: images install by manifest.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { context } from 'esbuild';
import { bundleDefaults, childProgram, decorators, external } from './bundle-plugins.mjs';

const watch = process.argv.includes('--watch');
const root = join(import.meta.dirname, '..');
const outdir = join(root, 'dist', relative(root, process.cwd()));
const packageOf = (path) => path.split('/').slice(0, path.startsWith('@') ? 2 : 1).join('/');

const undeclared = async (metafile) => {
  const missing = new Set();
  for (const [file, { imports }] of Object.entries(metafile.inputs)) {
    const project = relative(root, resolve(file)).split('/').slice(0, 2).join('/');
    const { dependencies = {} } = JSON.parse(await readFile(join(root, project, 'package.json'), 'utf8'));
    for (const { path, external: outside } of imports) {
      if (!outside || path === '<runtime>' || isBuiltin(path)) continue;
      if (!dependencies[packageOf(path)]) missing.add(`${project}/package.json lacks ${packageOf(path)}`);
    }
  }
  return [...missing].map((text) => ({ text }));
};
const declared = {
  name: 'declared',
  setup: (build) => build.onEnd(async ({ errors, metafile }) => ({ errors: errors.length ? [] : await undeclared(metafile) })),
};
let child;
const start = () => {
  child?.kill();
  child = spawn(process.execPath, ['--enable-source-maps', join(outdir, 'main.js')], { stdio: 'inherit' });
};
const restart = { name: 'restart', setup: (build) => build.onEnd(({ errors }) => { if (!errors.length) start(); }) };

// A project may have more than one program: every src/*.main.ts beside src/main.ts becomes a file of its own.

const entryPoints = readdirSync('src').filter((file) => /(^|\.)main\.ts$/.test(file)).map((file) => join('src', file));
// What is imported only when it is needed becomes a file of its own, and is read then. Files of an earlier build go: an image holds what lies in the folder.
const leftOver = /^[\w.-]+-[A-Z0-9]{8}\.js(\.map)?$/;
if (existsSync(outdir)) for (const name of readdirSync(outdir).filter((one) => leftOver.test(one))) rmSync(join(outdir, name));
const bundle = await context({
  ...bundleDefaults, entryPoints, outdir, splitting: true, metafile: true, plugins: [decorators, external, declared, childProgram, ...(watch ? [restart] : [])],
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => { child?.kill(); void bundle.dispose(); });
if (watch) await bundle.watch();
else { await bundle.rebuild(); await bundle.dispose(); }
