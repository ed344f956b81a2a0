import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface ServicesArguments { readonly brokers: string; readonly folder: string; readonly port: number; readonly isJson: boolean; readonly fileRoots: string; readonly env: Readonly<Record<string, string>> }

/** Arguments of the services' starter: `--env NAME=value` reaches every service. */
export function readServicesArguments(args: readonly string[], cwd: string): ServicesArguments {
  const { values } = parseArgs({ args: [...args], options: {
    brokers: { type: 'string' }, folder: { type: 'string' }, port: { type: 'string' }, json: { type: 'boolean' }, 'file-roots': { type: 'string' }, env: { type: 'string', multiple: true } } });
  const folder = resolve(cwd, values.folder ?? '.cache/services');
  return {
    brokers: values.brokers ?? '127.0.0.1:9092', folder, port: Number(values.port ?? 8080), isJson: values.json === true, fileRoots: values['file-roots'] ?? folder,
    env: Object.fromEntries((values.env ?? []).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])),
  };
}
