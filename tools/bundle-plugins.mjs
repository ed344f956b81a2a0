import { readFile } from 'node:fs/promises';
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
/** Settings that every bundle shares. */
export const bundleDefaults = { bundle: true, platform: 'node', format: 'esm', target: 'node24', sourcemap: true, keepNames: true, logLevel: 'warning' };
