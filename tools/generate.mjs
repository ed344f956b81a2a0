// `npm run generate` writes what is derived from the code: reference pages, schemas, topics. `--check` only compares and exits 1 when a file is stale.
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleDefaults, childProgram, decorators, external } from './bundle-plugins.mjs';
import { cache } from './install.mjs';

const outfile = join(cache, 'generate', 'main.mjs');
await build({ ...bundleDefaults, entryPoints: [join(import.meta.dirname, 'generate', 'main.ts')], outfile, plugins: [decorators, external, childProgram] });
const { generate } = await import(outfile);
process.exit(await generate({ check: process.argv.includes('--check') }));
