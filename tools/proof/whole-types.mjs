// Types and walls of the whole tree at once. Projects that share one configuration are one program here: opened project by project, each would read the sources of all it stands on again,
// which takes twelve times as long for types and three times as long for the walls. Projects with a configuration of their own are asked one by one.
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache, root } from '../install.mjs';

const PLAIN = JSON.stringify({ extends: '../../tsconfig.base.json', include: ['src'] });
const folders = [...['libs', 'apps'].flatMap((group) => readdirSync(join(root, group)).map((name) => join(group, name))), 'tools'].filter((folder) => existsSync(join(root, folder, 'project.json')));
const configOf = (folder) => JSON.stringify(JSON.parse(readFileSync(join(root, folder, 'tsconfig.json'), 'utf8')));
const isAlike = (folder) => configOf(folder) === PLAIN;

/** Folders of the projects that share one configuration. */
export const alike = folders.filter(isAlike);
/** Names of the other projects. */
export const others = folders.filter((folder) => !isAlike(folder)).map((folder) => JSON.parse(readFileSync(join(root, folder, 'project.json'), 'utf8')).name);
/** Writes the configuration that spans the alike, and answers its path. */
export function wholeConfig() {
  const file = join(cache, 'tsconfig.whole.json');
  mkdirSync(cache, { recursive: true });
  writeFileSync(file, JSON.stringify({ extends: '../tsconfig.base.json', include: alike.map((folder) => `../${folder}/src`), compilerOptions: { typeRoots: ['../node_modules/@types'] } }));
  return file;
}
