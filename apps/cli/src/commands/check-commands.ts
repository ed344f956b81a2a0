import { basename, join } from 'node:path';
import { EtlError, type Failure, toFailure } from '@agent-etl/contracts';
import { readPipelineFile, readProjectFile } from '@agent-etl/planning';
import { failureScreen } from '../screens/failure-screen.ts';
import { queryScreen } from '../screens/query-screen.ts';
import { type ExitCode, exitCodes } from '../session/exit-codes.ts';
import type { Whence } from '../session/missing-file.ts';
import { projectFileName } from '../session/project-file-name.ts';
import { readProject } from '../session/project-file.ts';
import { readText } from '../session/read-text.ts';
import type { Session } from '../session/session.ts';
import { findStandalone } from '../session/standalone-client.ts';
import { validateSteps } from './validate-steps.ts';
import { type QueryAnswer, type SqlOptions, isSqlFile, validateSql } from './validate-sql.ts';

interface Checked { readonly file: string; readonly ok: boolean; readonly failure: Failure | null }

async function checkFile(file: string, whence: Whence): Promise<Checked> {
  try {
    const text = await readText(file, whence);
    if (basename(file) === projectFileName) readProjectFile(text, file); else await validateSteps(readPipelineFile(text, file), { file, text });
    return { file, ok: true, failure: null };
  } catch (error) {
    if (!(error instanceof EtlError)) throw error;
    return { file, ok: false, failure: toFailure(error) };
  }
}
/** Checks files without any server: every mistake with line, column and the nearest name, those in the texts of steps among them. Files of SQL are read as queries. */
export async function validateCommand(session: Session, files: readonly string[], options: SqlOptions = {}): Promise<ExitCode> {
  const { output } = session;
  const queries = await validateSql(session, files.filter(isSqlFile), options);
  const plain = await Promise.all(files.filter((file) => !isSqlFile(file)).map((file) => checkFile(file, session)));
  const checked: readonly (Checked | QueryAnswer)[] = [...plain, ...queries];
  output.result({ ok: checked.every(({ ok }) => ok), files: checked }, () => checked.flatMap((each) => ('reads' in each ? queryScreen(each, output.paint)
    : each.failure ? failureScreen(each.failure, output.paint, { subject: each.file }) : [` ${output.paint('green', 'ok')}  ${each.file}`])));
  return checked.every(({ ok }) => ok) ? exitCodes.green : exitCodes.failed;
}
/** What counts for commands in this folder. Secrets are references, so all of it may be shown. */
export async function configCommand(session: Session): Promise<ExitCode> {
  const project = await readProject(session.projectDir);
  const running = session.isDeployed ? null : await findStandalone(session.projectDir);
  const config = {
    project: session.projectDir, file: project ? join(session.projectDir, projectFileName) : null, standalone: running ? { url: running.url, pid: running.pid } : null,
    secrets: project?.secrets ?? { store: 'env' }, policy: project?.policy ?? { approve: { upTo: 'R1' } }, connections: project?.connections ?? {}, node: process.version,
  };
  session.output.result(config, () => [
    ` project     ${config.project}`, ` file        ${config.file ?? `none: ${projectFileName} would name connections`}`,
    ` standalone  ${config.standalone ? `${config.standalone.url}, process ${config.standalone.pid}` : 'not running; the next command starts it'}`,
    ` secrets     ${config.secrets.store}`, ` policy      ${JSON.stringify(config.policy)}`,
    ...Object.entries(config.connections).map(([name, spec]) => ` connection  ${name}   ${JSON.stringify(spec)}`), ` node        ${config.node}`]);
  return exitCodes.green;
}
