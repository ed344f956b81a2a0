// The demo as its users see it the second time: the source is loaded, the packages are there.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { environment, root } from '../install.mjs';

function once() {
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync('node', [join(root, 'tools', 'demo.mjs'), '--exit'], { cwd: root, env: environment(), encoding: 'utf8' });
  if (status !== 0) throw new Error(`the demo ended with ${status}: ${(stdout + stderr).slice(-2000)}`);
  return (performance.now() - began) / 1000;
}
export async function demo({ say }) {
  const [first, second] = [once(), once()];
  say(`demo: first ${first.toFixed(1)} s, second ${second.toFixed(1)} s`);
  return { name: 'demo', first, second, lines: [['second `npm run demo -- --exit`', `${second.toFixed(1)} s wall`, `the run before it took ${first.toFixed(1)} s`, '<= 60 s']] };
}
