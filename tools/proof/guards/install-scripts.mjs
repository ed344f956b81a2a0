// Scripts that run when packages are installed: only those of the list in package.json, and npm itself refuses the others.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Machines that the README names; elsewhere npm stops at a package of another machine that is not on the list. */
const machines = [['linux', 'x64'], ['linux', 'arm64'], ['darwin', 'arm64']];
const fits = ({ os, cpu }) => machines.some(([ours, chip]) => (!os || os.includes(ours)) && (!cpu || cpu.includes(chip)));
const nameOf = (path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** Whether npm, with the settings of a folder, installs a package whose script is not on a list. It works on a package of its own, offline. */
function npmRuns(settings, given) {
  // `npm run` hands its own settings down: those of the folder are meant.
  const environment = Object.fromEntries(Object.entries(given).filter(([name]) => !/^npm_/i.test(name)));
  const folder = mkdtempSync(join(tmpdir(), 'etl-scripts-'));
  try {
    const pack = join(folder, 'pack');
    mkdirSync(pack);
    writeFileSync(join(pack, 'package.json'), JSON.stringify({ name: 'planted', version: '1.0.0', scripts: { postinstall: `node -e "require('fs').writeFileSync('${join(folder, 'ran')}', '')"` } }));
    spawnSync('npm', ['pack', '--silent'], { cwd: pack, env: environment });
    const project = join(folder, 'project');
    mkdirSync(project);
    if (existsSync(settings)) copyFileSync(settings, join(project, '.npmrc'));
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', version: '1.0.0', dependencies: { planted: 'file:../pack/planted-1.0.0.tgz' } }));
    const { status } = spawnSync('npm', ['install', '--offline'], { cwd: project, env: environment });
    return status === 0 || existsSync(join(folder, 'ran'));
  } finally { rmSync(folder, { recursive: true, force: true }); }
}

const tried = new Map();
export const installScripts = {
  says: 'install scripts come from the list alone, and npm stops at any other',
  async look(tree, { environment }) {
    const { allowScripts } = tree.json('package.json');
    const scripted = Object.entries(tree.json('package-lock.json').packages).filter(([, { hasInstallScript }]) => hasInstallScript);
    const names = new Set(scripted.map(([path]) => nameOf(path)));
    const findings = [
      ...scripted.filter(([path, entry]) => fits(entry) && allowScripts[nameOf(path)] === undefined).map(([path]) => `${nameOf(path)} has an install script and is not on the list`),
      ...Object.keys(allowScripts).filter((name) => !names.has(name)).map((name) => `${name} is on the list and has no install script`),
    ];
    const settings = tree.text('.npmrc');
    if (!tried.has(settings)) tried.set(settings, npmRuns(join(tree.folder, '.npmrc'), environment));
    if (tried.get(settings)) findings.push('npm installs a package whose script is not on the list');
    return { looked: `${names.size} packages with scripts, ${Object.values(allowScripts).filter(Boolean).length} may run them`, findings };
  },
  faults: {
    'a new package with a script': { plant: (tree) => tree.editJson('package-lock.json', (lock) => { lock.packages['node_modules/planted'] = { version: '1.0.0', hasInstallScript: true }; }), named: 'planted has an install script' },
    'npm told to be lenient': { plant: (tree) => tree.edit('.npmrc', (text) => text.replace('strict-allow-scripts=true', 'strict-allow-scripts=false')), named: 'npm installs' },
  },
};
