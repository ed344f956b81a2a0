// The images: built twice with the same bytes, holding what the lock says and no more, run as restricted pods on a real Kafka and PostgreSQL, started on bad ground.
// `-- --only=builds,contents` leaves parts out, for who works on one of them; dist/images must be there then.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cache, root } from '../install.mjs';
import { provisionRunc } from '../provision/runc.mjs';
import { UNABLE } from '../tally.mjs';
import { proveBuilds } from './images/builds.mjs';
import { proveContents } from './images/contents.mjs';

const only = process.argv.find((word) => word.startsWith('--only='))?.slice('--only='.length).split(',');
const isWanted = (part) => only === undefined || only.includes(part);
const to = join(root, 'dist', 'images');
const work = mkdtempSync('/var/tmp/etl-images-'); // others must enter it: the user of the pods, the user postgres
chmodSync(work, 0o755);
let [wrong, skipped] = [0, 0];
const check = (isSo, text) => { if (!isSo) wrong += 1; process.stdout.write(`  ${isSo ? 'ok  ' : 'NOT SO'} ${text}\n`); };
const skip = (text) => { skipped += 1; process.stdout.write(`  SKIPPED ${text}\n`); };
const unable = (reason) => { process.stdout.write(`  ${reason}\n`); return UNABLE; };

async function prove() {
  try { if (isWanted('builds')) await proveBuilds(check, { to, work }); } catch (error) {
    if (/apt-get download/.test(error.message)) return unable(`the base cannot be had: ${error.message}`);
    throw error;
  }
  if (isWanted('contents')) proveContents(check, { to, work });
  if (!['run', 'ground', 'standalone'].some(isWanted)) return wrong ? 1 : 0;
  let tools;
  try { tools = provisionRunc(join(cache, 'runc')); } catch (error) { return wrong ? 1 : unable(`built and inspected, not run: ${error.message}`); }
  const { provePods } = await import('./images/pods.mjs');
  mkdirSync(join(work, 'pods'));
  await provePods({ check, skip }, { to, tools, work, isWanted });
  return wrong ? 1 : skipped ? UNABLE : 0; // what could not be judged is not proven
}
let status = 1;
try { status = await prove(); } finally { rmSync(work, { recursive: true, force: true }); }
process.stdout.write(wrong ? `${wrong} things are not as they should be\n` : status === 0 ? 'all as it should be\n' : `${skipped} things could not be judged\n`);
process.exit(status);
