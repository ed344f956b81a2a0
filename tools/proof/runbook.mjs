// Commands of a page of the runbook, run as they stand there: a block whose fence says ```bash NAME is the block NAME.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { root } from '../install.mjs';

/** The command line as a user has it, on the path of a shell. */
export function commandOnPath() {
  const bin = mkdtempSync(join(tmpdir(), 'etl-bin-'));
  writeFileSync(join(bin, 'agent-etl'), `#!/bin/sh\nexec ${join(root, 'node_modules', '.bin', 'node')} ${join(root, 'dist', 'apps', 'cli', 'main.js')} "$@"\n`, { mode: 0o755 });
  return bin;
}
export function blockOf(page, name) {
  const found = new RegExp(`^\`\`\`bash ${name}\\n([^]*?)^\`\`\``, 'm').exec(readFileSync(join(root, 'docs', page), 'utf8'));
  if (!found) throw new Error(`docs/${page} has no block ${name}`);
  return found[1];
}
/** Runs a block in a folder and answers what it printed; the first command that fails ends it.
 * @param env variables that the block names */
export function runBlock(page, name, { bin, cwd, env = {}, expect = 0 }) {
  const { status, stdout, stderr } = spawnSync('sh', ['-euc', blockOf(page, name)], { cwd, encoding: 'utf8', maxBuffer: 2 ** 26, env: { HOME: process.env.HOME, NO_COLOR: '1', ...env, PATH: `${bin}${delimiter}${process.env.PATH}` } });
  if (status !== expect) throw new Error(`block ${name} of docs/${page} ended with ${status}: ${stdout.slice(-2000)}${stderr.slice(-2000)}`);
  return stdout;
}
