import { copyFile, readFile, readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { transform } from '@swc/core';
import { swc } from './swc.mjs';

/** esbuild alone emits no decorator metadata, which dependency injection reads. */
export const decorators = {
  name: 'swc',
  setup: (build) => build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
    const { code } = await transform(await readFile(path, 'utf8'), { ...swc, configFile: false, filename: path });
    return { loader: 'js', contents: code };
  }),
};
/** Our own libs go into the bundle, npm packages stay outside. */
export const external = {
  name: 'external',
  setup: (build) => build.onResolve({ filter: /^[^./]/ }, ({ kind, path }) =>
    (kind === 'entry-point' || path.startsWith('@agent-etl/') ? undefined : { path, external: true })),
};
/** The DuckDB child is a program of its own: it stands beside each bundle that can start it, with what it imports. */
export const childProgram = {
  name: 'child-program',
  setup: (build) => {
    const { outdir, outfile, absWorkingDir = process.cwd() } = build.initialOptions;
    const folder = resolve(absWorkingDir, outdir ?? dirname(outfile));
    build.initialOptions.metafile = true;
    build.onEnd(async ({ errors, metafile }) => {
      const engine = Object.keys(metafile?.inputs ?? {}).find((file) => file.endsWith('src/duckdb/duck-child.ts'));
      if (errors.length || !engine) return;
      const source = dirname(resolve(absWorkingDir, engine));
      for (const program of (await readdir(source)).filter((name) => name.endsWith('.mjs'))) await copyFile(join(source, program), join(folder, program));
    });
  },
};
/** Settings that every bundle shares. Maps carry no sources: a stack needs places only, and Node parses the whole map at every start. */
export const bundleDefaults = { bundle: true, platform: 'node', format: 'esm', target: 'node24', sourcemap: true, sourcesContent: false, keepNames: true, logLevel: 'warning' };
