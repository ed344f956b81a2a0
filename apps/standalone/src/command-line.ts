import { parseArgs } from 'node:util';
import { resolve } from 'node:path';

export interface StandaloneOptions { readonly projectDir: string; readonly port: number; readonly isAuto: boolean; readonly workers: 'inside' | 'process'; readonly idleMs: number; readonly stateDatabase: string | null }

/** Arguments of the standalone. `--auto` is what a command that starts one says: such a one ends when nobody uses it. */
export function readArguments(args: readonly string[], cwd: string): StandaloneOptions {
  const { values } = parseArgs({
    args: [...args], options: {
      project: { type: 'string' }, port: { type: 'string' }, auto: { type: 'boolean' }, workers: { type: 'string' }, 'idle-seconds': { type: 'string' }, 'state-database': { type: 'string' } },
  });
  return {
    projectDir: resolve(cwd, values.project ?? '.'), port: values.port === undefined ? 8080 : Number(values.port), isAuto: values.auto === true,
    workers: values.workers === 'process' ? 'process' : 'inside', stateDatabase: values['state-database'] ?? null, idleMs: Number(values['idle-seconds'] ?? 60) * 1000,
  };
}
