import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EtlError, type Pipeline } from '@agent-etl/contracts';
import { ExpressionParser, QueryParser } from '@agent-etl/engines';
import { issuesInFile, loweredOf } from '@agent-etl/planning';
import { nextStep } from '@agent-etl/sql-safety';
import type { WrittenFile } from './what-to-run.ts';

/** Reads the texts of the steps of a pipeline, whose columns nobody has looked up: what is no expression and no SELECT is told by its line.
 * @throws EtlError `sql.rejected`, `sql.parser-lost` */
export async function validateSteps({ steps = [] }: Pick<Pipeline, 'steps'>, file: WrittenFile): Promise<void> {
  if (!steps.length) return;
  const folder = await mkdtemp(join(tmpdir(), 'agent-etl-steps-'));
  const [expressions, queries] = [new ExpressionParser(folder), new QueryParser(folder)];
  try {
    const lowered = await loweredOf(steps, { read: (text, path) => expressions.parse(text, path), readQuery: (written, path) => queries.read(written, () => path) });
    if (lowered.ok) return;
    const issues = issuesInFile(lowered.issues, file);
    throw new EtlError('sql.rejected', { issues: issues.map(({ path, text }) => `${path}: ${text.replace(/\.$/, '')}`).join('; '), next: nextStep(issues) }, { issues });
  } finally {
    await Promise.all([expressions.stop(), queries.stop()]);
    await rm(folder, { recursive: true, force: true });
  }
}
