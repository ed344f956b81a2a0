import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Project } from '@agent-etl/contracts';
import { readProjectFile } from '@agent-etl/planning';
import { z } from 'zod';
import { homeOf } from './project-lock.ts';

/** agent-etl.yaml of a folder, or null. @throws EtlError with file:line:column of each mistake */
export async function readProject(projectDir: string): Promise<Project | null> {
  const text = await readFile(join(projectDir, 'agent-etl.yaml'), 'utf8').catch(() => null);
  return text === null ? null : readProjectFile(text, 'agent-etl.yaml');
}
const namedFile = (projectDir: string): string => join(homeOf(projectDir), 'file-roots.json');
export const keepFileRoots = (projectDir: string, folders: readonly string[]): Promise<void> => writeFile(namedFile(projectDir), JSON.stringify(folders), { mode: 0o600 });
/** Folders that people named on the command line before. */
export async function namedFileRoots(projectDir: string): Promise<string[]> {
  const parsed = z.array(z.string()).safeParse(JSON.parse(await readFile(namedFile(projectDir), 'utf8').catch(() => '[]')));
  return parsed.success ? parsed.data : [];
}
/** Folders that file connections may use: the project's own, those its file names, and what the environment adds. */
export function fileRootsOf(projectDir: string, project: Project | null, more: string | undefined): string[] {
  const named = Object.values(project?.connections ?? {}).flatMap((spec) => ('root' in spec ? [resolve(projectDir, spec.root)] : []));
  return [...new Set([projectDir, ...named, ...(more ?? '').split(':').filter(Boolean)])];
}
