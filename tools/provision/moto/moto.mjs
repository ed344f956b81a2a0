// The AWS emulator that the secret store's suite runs against. It installs itself into the cache folder.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.mjs';
import { virtualEnvironment } from '../venv.mjs';

/** Starts moto on a free port of loopback. */
export async function startMoto(cache) {
  const folder = virtualEnvironment(join(cache, 'moto'), join(import.meta.dirname, 'requirements.txt'));
  const port = await freePort();
  const child = spawn(join(folder, 'bin', 'moto_server'), ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  const gone = new Promise((done) => { child.once('exit', done).once('error', done); });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; !(await fetch(`${url}/moto-api/`).then(({ ok }) => ok, () => false)); tries += 1) {
    if (tries > 300 || child.exitCode !== null) throw new Error('moto did not answer within 60 s');
    await sleep(200);
  }
  return { url, stop: async () => { child.kill(); await gone; } };
}
