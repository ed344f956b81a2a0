import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type ExitCode, WrongUse, exitCodes } from '../session/exit-codes.ts';
import { readProject } from '../session/project-file.ts';
import type { Session } from '../session/session.ts';
import { findStandalone, joinStandalone, nodeFlags, standaloneProgram } from '../session/standalone-client.ts';

/** Starts the standalone of the project folder, in the foreground until Ctrl-C, or detached. One that runs already is named instead. */
export async function upCommand(session: Session, { port, detach }: { port?: string; detach?: boolean }): Promise<ExitCode> {
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535)) throw new WrongUse(`--port ${port} is no port.`, 'use a number up to 65535, or leave it out');
  const args = port ? ['--port', port] : [];
  await readProject(session.projectDir); // a mistake in it is told with its line
  const running = await findStandalone(session.projectDir);
  if (running || detach) {
    const found = running ?? await joinStandalone({ projectDir: session.projectDir, args });
    session.output.result({ url: found.url, pid: found.pid }, () => [` ${running ? 'runs already' : 'ready'}   ${found.url}   process ${found.pid}`]);
    return exitCodes.green;
  }
  const program = standaloneProgram();
  if (!existsSync(program)) throw new WrongUse(`The standalone is not built: ${program} is missing.`, 'npm run build');
  const child = spawn(process.execPath, [...nodeFlags, program, '--project', session.projectDir, ...args], { stdio: 'inherit' });
  // Ctrl-C reaches the child by itself: it belongs to the same terminal. Here it only must not end the parent before the child.
  const wait = (): void => undefined;
  process.on('SIGINT', wait);
  process.on('SIGTERM', () => { child.kill('SIGTERM'); });
  const [code] = await once(child, 'exit') as [number | null];
  process.off('SIGINT', wait);
  return code === 0 || code === null ? exitCodes.green : exitCodes.failed;
}
