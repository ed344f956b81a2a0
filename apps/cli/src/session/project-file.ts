import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Project } from '@agent-etl/contracts';
import { readProjectFile } from '@agent-etl/planning';
import { WrongUse } from './exit-codes.ts';
import { projectFileName } from './project-file-name.ts';
import { readText } from './read-text.ts';


/** The folder of the project: the one named, else the nearest one upwards with agent-etl.yaml, else the current one.
 * @throws WrongUse when the named one is not there: a typo must not make a second project */
export function findProject(from: string, named?: string): string {
  if (named !== undefined) {
    const folder = resolve(from, named);
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) throw new WrongUse(`There is no folder ${folder}.`, 'name the folder of a project, or make it first');
    return folder;
  }
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, projectFileName))) return folder;
    if (dirname(folder) === folder) return from;
  }
}
/** agent-etl.yaml of a folder, or null when it has none. @throws EtlError with file:line:column of each mistake */
export async function readProject(projectDir: string): Promise<Project | null> {
  return existsSync(join(projectDir, projectFileName)) ? readProjectFile(await readText(projectFileName, { cwd: projectDir }), projectFileName) : null;
}
