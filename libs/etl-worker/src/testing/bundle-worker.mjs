// Bundles the worker program of the process tests: what is killed there is a real process, started like a deployed one.
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleDefaults, decorators, external } from '../../../../tools/bundle-plugins.mjs';

await build({ ...bundleDefaults, entryPoints: [join(import.meta.dirname, 'worker-program.ts')], outfile: process.argv[2], plugins: [decorators, external] });
