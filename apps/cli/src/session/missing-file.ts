import { readdir } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { EtlError, nearestNames } from '@agent-etl/contracts';
import { projectFileName } from './project-file-name.ts';

/** Where somebody stands who names a file, and the project that it may be of. */
export interface Whence { readonly cwd: string; readonly projectDir?: string }
/** Pipelines that are named to somebody who is near none. */
const MOST_NAMES = 5;
const isYaml = (name: string): boolean => /\.ya?ml$/i.test(name);

/** A file that is not there, by the place where it was looked for. What was most likely meant is a neighbour of that name, the same path in the project, or one of its pipelines. */
export async function missingFile(file: string, whence: Whence, cause: unknown): Promise<EtlError> {
  const path = resolve(whence.cwd, file);
  const beside = await readdir(dirname(path)).catch(() => null);
  const near = nearestNames(basename(path), beside ?? []).map((name) => join(dirname(file), name));
  const next = near.length ? meant(near) : await ofTheProject(file, whence) ?? (beside === null ? `there is no folder ${dirname(path)}` : `look in ${dirname(path)}`);
  return new EtlError('source.not-found', { connection: 'This machine', what: 'file', name: path, next }, { cause });
}
const meant = (paths: readonly string[]): string => `did you mean ${paths.join(' or ')}?`;

/** Pipelines of the project, as they are typed where somebody stands; null where it has none, or another kind of file is meant. */
async function ofTheProject(file: string, { cwd, projectDir = cwd }: Whence): Promise<string | null> {
  if (!isYaml(file)) return null;
  const folders = [projectDir, join(projectDir, 'pipelines')];
  const found = await Promise.all(folders.map(async (folder) => (await readdir(folder).catch(() => [])).filter((name) => isYaml(name) && name !== projectFileName).sort().map((name) => join(folder, name))));
  const pipelines = found.flat();
  const typed = (paths: readonly string[]): string[] => paths.map((path) => relative(cwd, path));
  if (pipelines.includes(resolve(projectDir, file))) return `paths are read from ${cwd}: ${meant(typed([resolve(projectDir, file)]))}`;
  const near = nearestNames(basename(file), pipelines.map((path) => basename(path)));
  if (near.length) return meant(typed(pipelines.filter((path) => near.includes(basename(path)))));
  const more = pipelines.length - MOST_NAMES;
  return pipelines.length ? `the project in ${projectDir} has ${typed(pipelines.slice(0, MOST_NAMES)).join(', ')}${more > 0 ? ` and ${more} more` : ''}` : null;
}
