import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Project } from '@agent-etl/contracts';
import { readProjectFile } from '@agent-etl/planning';

/** agent-etl.yaml of a folder, or null. @throws EtlError with file:line:column of each mistake */
export async function readProject(projectDir: string): Promise<Project | null> {
  const text = await readFile(join(projectDir, 'agent-etl.yaml'), 'utf8').catch(() => null);
  return text === null ? null : readProjectFile(text, 'agent-etl.yaml');
}
/** Folders that file connections may use: the project's own, those its file names, and what the environment adds. */
export function fileRootsOf(projectDir: string, project: Project | null, more: string | undefined): string[] {
  const named = Object.values(project?.connections ?? {}).flatMap((spec) => (spec.connector === 'file' ? [resolve(projectDir, spec.root)] : []));
  return [...new Set([projectDir, ...named, ...(more ?? '').split(':').filter(Boolean)])];
}
