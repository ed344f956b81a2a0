// `agent-etl explain` of the demo's run, after the demo has ended: the reasons, what lost, each attempt and the receipt are still there.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { environment, root } from '../install.mjs';

const [pipeline] = process.argv.slice(2);
const { status, stdout, stderr } = spawnSync('node', [join(root, 'apps', 'cli', 'bin', 'agent-etl.mjs'), 'explain', pipeline, '--project', '.demo'], { cwd: root, env: environment(), encoding: 'utf8' });
const missing = [` plan ${pipeline} `, '   strategy   incremental by (updated_at, flight_id): ', '              not full: It reads ', '   chunks     by updated_at: ', '   publish   publish   succeeded   1 attempt ', ' proof   reconciled true, level full, '].filter((line) => !stdout.includes(line));
process.stdout.write(stdout + stderr);
if (status !== 0 || missing.length) { process.stderr.write(`explain ended with ${status}; it does not say: ${missing.join(' | ') || 'nothing is missing'}\n`); process.exit(1); }
