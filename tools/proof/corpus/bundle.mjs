// Bundles the gate, whole or with one check taken out.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { context } from 'esbuild';
import { bundleDefaults, childProgram, external } from '../../bundle-plugins.mjs';
import { cache, root } from '../../install.mjs';

const folder = join(cache, 'corpus');
let current = null;
let isEdited = false;
/** The one file that is edited is read anew; all others are kept from build to build. */
const source = {
  name: 'source',
  setup: (builder) => builder.onLoad({ filter: /libs\/sql-safety\/src\/.*\.ts$/ }, async ({ path }) => {
    let contents = await readFile(path, 'utf8');
    if (current && path.endsWith(current.file)) {
      if (contents.split(current.from).length !== 2) throw new Error(`${current.file} does not hold once: ${current.from}`);
      contents = contents.replace(current.from, () => current.to);
      isEdited = true;
    }
    return { loader: 'ts', contents };
  }),
};
let kept = null;
const builder = (entry) => context({ ...bundleDefaults, absWorkingDir: root, entryPoints: [join(import.meta.dirname, entry)], outfile: join(folder, 'gate.mjs'), write: false, sourcemap: false, plugins: [source, external, ...(entry === 'gate.ts' ? [childProgram] : [])] });

/** @param edit `{ file, from, to }`: a piece of a source file that stands there once, and what stands in its place */
export async function gateBundle(name, edit = null) {
  await mkdir(folder, { recursive: true });
  const one = edit === null ? await builder('gate.ts') : (kept ??= await builder('gate-core.ts'));
  current = edit;
  isEdited = false;
  const { outputFiles } = await one.rebuild();
  if (edit && !isEdited) throw new Error(`${edit.file} is not part of the gate`);
  if (edit === null) await one.dispose();
  const file = join(folder, `${name}.mjs`);
  await writeFile(file, outputFiles.find(({ path }) => path.endsWith('.mjs')).contents);
  return import(file);
}
/** Ends what builds. */
export async function endBuilds() { await kept?.dispose(); kept = null; }
