// Standalone from its image: everything in one container without a server beside it, on a volume of its user's.
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { USER } from '../../../deploy/docker/images.mjs';
import { freePort } from '../../provision/free-port.mjs';
import { loosenessOf } from './confinement.mjs';
import { terminate, until } from './pods.mjs';

/** @param ground `{ check, containers, folder }`, the image being added */
export async function proveStandalone({ check, containers, folder }) {
  const project = join(folder, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'in.csv'), 'id,name\n1,one\n2,two\n');
  for (const path of [project, join(project, 'in.csv')]) chownSync(path, USER, USER);
  const port = await freePort();
  const container = containers.run('standalone', { args: ['--port', String(port)], memoryMb: 1536, scratchMb: 256, mounts: [{ from: project, at: '/project', isReadOnly: false }] });
  const call = async (method, path, body) => {
    const { token } = JSON.parse(readFileSync(join(project, '.agent-etl', 'run.json'), 'utf8'));
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) }, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return await answer.json();
  };
  const isReady = await until(async () => (await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => null))?.status === 200 || container.hasEnded, 180_000);
  if (!isReady || container.hasEnded) { check(false, `standalone starts: ${container.said().slice(-300)}`); return; }
  const loose = loosenessOf(container, ['/project']);
  check(loose.length === 0, `standalone: restricted, with its own PostgreSQL on a volume${loose.length ? `: ${loose.join('; ')}` : ''}`);
  await call('PUT', '/v1/connections/here', { connector: 'file', root: '/project' });
  await call('POST', '/v1/requests', { requestId: 'first', pipeline: { version: 1, name: 'first', from: { connection: 'here', dataset: 'in.csv' }, to: { connection: 'here', dataset: 'out.parquet' } }, run: 'now' });
  let view;
  await until(async () => { view = await call('GET', '/v1/requests/first'); return ['finished', 'failed', 'waiting'].includes(view.state); }, 120_000);
  const run = view.runId ? await call('GET', `/v1/runs/${view.runId}`) : view;
  check(run.state === 'succeeded', `standalone copies a file: ${run.state}${run.failure ? `: ${JSON.stringify(run.failure)}` : ''}`);
  const { code, seconds } = await terminate(container);
  check(code === 0, `standalone: SIGTERM, exit ${code} after ${seconds.toFixed(1)} s`);
}
