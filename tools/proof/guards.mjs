// The guard rails of the repository, without a network but for two tools that a first run installs. Each looks at the files that git follows; then faults are planted in a throw-away copy, one at a time, and each has to be seen.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cache, environment, root } from '../install.mjs';
import { provisionLinters } from '../provision/guards/linters.mjs';
import { UNABLE } from '../tally.mjs';
import { chartGuard } from './guards/chart.mjs';
import { commands } from './guards/commands.mjs';
import { compose } from './guards/compose.mjs';
import { dockerfiles } from './guards/dockerfiles.mjs';
import { forge } from './guards/forge.mjs';
import { history, secrets } from './guards/secrets.mjs';
import { installScripts } from './guards/install-scripts.mjs';
import { licences } from './guards/licences.mjs';
import { pins } from './guards/pins.mjs';
import { sbom } from './guards/sbom.mjs';
import { copyTree, openTree } from './guards/tree.mjs';

const guards = { secrets, history, licences, sbom, 'install scripts': installScripts, dockerfiles, pins, chart: chartGuard, compose, forge, commands };
let tools;
try { tools = { ...provisionLinters(cache), environment: environment(), root }; } catch (error) { process.stdout.write(`  ${error.message}\n`); process.exit(UNABLE); }
mkdirSync(cache, { recursive: true });
const work = mkdtempSync(join(cache, 'guards-copy-'));
let wrong = 0;
const check = (isSo, text) => { if (!isSo) wrong += 1; process.stdout.write(`  ${isSo ? 'ok  ' : 'NOT SO'} ${text}\n`); };
const few = (findings) => findings.slice(0, 5).join('; ') + (findings.length > 5 ? `; and ${findings.length - 5} more` : '');

const here = openTree(root);
const copy = copyTree(root, join(work, 'tree'));
let [planted, began] = [0, Date.now()];
try {
  for (const [name, { look, says, faults }] of Object.entries(guards)) {
    const { findings, looked } = await look(here, tools);
    check(findings.length === 0, `${name}: ${says} (${looked})${findings.length ? `: ${few(findings)}` : ''}`);
    const clean = new Set((await look(copy, tools)).findings);
    for (const [what, { plant, named }] of Object.entries(faults)) {
      plant(copy);
      const seen = (await look(copy, tools)).findings.filter((text) => !clean.has(text) && text.includes(named));
      check(seen.length > 0, `${name}, seen: ${what}${seen.length ? ` (${seen[0].slice(0, 110)})` : ''}`);
      copy.restore();
      planted += 1;
    }
    process.stdout.write(`       ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
    began = Date.now();
  }
  // The manifests themselves, where Helm has been built already: building it takes minutes.
  const helm = existsSync(join(cache, 'bin', 'helm'));
  if (helm) check(spawnSync(process.execPath, [join(root, 'tools', 'proof', 'deploy.mjs')], { stdio: 'ignore' }).status === 0, 'manifests: what `npm run proof -- deploy` checks');
  else process.stdout.write('  --   manifests are not looked at here: `npm run proof -- deploy` builds Helm and does\n');
} finally { rmSync(work, { recursive: true, force: true }); }
process.stdout.write(wrong ? `${wrong} things are not as they should be\n` : `${Object.keys(guards).length} guards found nothing; ${planted} planted faults were all seen\n`);
process.exit(wrong ? 1 : 0);
