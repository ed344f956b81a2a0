// What a guard looks at: a folder that holds the files of the repository, the real one or a throw-away copy in which a fault is planted.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const git = (folder, ...args) => spawnSync('git', ['-C', folder, ...args], { encoding: 'utf8', maxBuffer: 2 ** 28 });
/** Files that git follows or would follow, with `/` between folders. */
export const listed = (folder) => git(folder, 'ls-files', '-co', '--exclude-standard').stdout.split('\n').filter((name) => name && existsSync(join(folder, name)));

/** A folder with readers and a way to plant: what a plant changes is put back by `restore`. */
export function openTree(folder, names = listed(folder)) {
  const before = new Map();
  const at = (name) => join(folder, name);
  const keep = (name) => { if (!before.has(name)) before.set(name, existsSync(at(name)) ? readFileSync(at(name)) : null); };
  const tree = {
    folder,
    /** Names of the files that a pattern matches. */
    names: (pattern) => [...names, ...[...before].filter(([name, was]) => was === null && existsSync(at(name))).map(([name]) => name)].filter((name) => existsSync(at(name)) && pattern.test(name)),
    has: (name) => existsSync(at(name)),
    text: (name) => readFileSync(at(name), 'utf8'),
    json: (name) => JSON.parse(readFileSync(at(name), 'utf8')),
    write: (name, text) => { keep(name); mkdirSync(dirname(at(name)), { recursive: true }); writeFileSync(at(name), text); },
    /** Changes a text; a change that changes nothing is a fault that was not planted, and throws. */
    edit: (name, change) => { const text = tree.text(name); const changed = change(text); if (changed === text) throw new Error(`nothing was planted in ${name}`); tree.write(name, changed); },
    editJson: (name, change) => tree.edit(name, (text) => { const value = JSON.parse(text); change(value); return `${JSON.stringify(value, null, 2)}\n`; }),
    restore: () => { for (const [name, was] of before) if (was === null) rmSync(at(name), { force: true }); else writeFileSync(at(name), was); before.clear(); },
    git: (...args) => git(folder, ...args),
  };
  return tree;
}

/** A copy of a tree's files below `target`: without `.git`, without packages. */
export function copyTree(folder, target) {
  const names = listed(folder).filter((name) => lstatSync(join(folder, name)).isFile());
  for (const made of new Set(names.map(dirname))) mkdirSync(join(target, made), { recursive: true });
  for (const name of names) copyFileSync(join(folder, name), join(target, name));
  return openTree(target, names);
}
