import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { EtlError } from '@agent-etl/contracts';
import { airportsFile, demoPackage, flightsFile, moviesFile } from './demo-numbers.ts';

export interface DemoFile { readonly file: string; readonly path: string; readonly sha256: string; readonly rows: number }

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
// The package exports neither its manifest nor its data: the folder is found the way a module would be.
function packageData(): string {
  const folder = findPackageJSON('vega-datasets', import.meta.url);
  if (!folder) throw new EtlError('source.not-found', { connection: 'node_modules', what: 'package', name: demoPackage, nearest: 'npm ci' });
  return join(dirname(folder), 'data');
}
/** The published files, found in the installed package; one that differs from what the numbers were computed from stops the demo. */
export async function demoFiles(): Promise<{ flights: DemoFile; airports: DemoFile; movies: DemoFile }> {
  const folder = packageData();
  const [flights, airports, movies] = await Promise.all([flightsFile, airportsFile, moviesFile].map(async ({ name, sha256, rows }) => {
    const path = join(folder, name);
    const found = await sha256Of(path);
    if (found !== sha256) throw new EtlError('data.format-invalid', { file: name, format: demoPackage, place: 'its sha256', problem: `${found.slice(0, 12)} instead of ${sha256.slice(0, 12)}` });
    return { file: name, path, sha256, rows };
  }));
  return { flights: flights as DemoFile, airports: airports as DemoFile, movies: movies as DemoFile };
}
