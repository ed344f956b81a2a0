// The scripts that carry DAGs on: with a real git into a bare repository; with a real rclone, where it is at hand, into an S3 emulator.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const run = (command, args, options = {}) => spawnSync(command, args, { encoding: 'utf8', ...options });
/** `[[isSo, what]]`: what the git mirror did with a repository that also holds files of others. */
export function gitMirror(script, folder) {
  const [from, bare, seed, temporary] = ['dags', 'bare.git', 'seed', 'tmp'].map((name) => join(folder, name));
  for (const one of [from, temporary]) mkdirSync(one, { recursive: true });
  run('git', ['init', '-q', '--bare', '-b', 'main', bare]);
  run('git', ['clone', '-q', bare, seed]);
  mkdirSync(join(seed, 'dags'), { recursive: true });
  writeFileSync(join(seed, 'dags', 'README.md'), 'theirs\n');
  writeFileSync(join(seed, 'other.py'), 'theirs\n');
  const commit = (text) => { run('git', ['-C', seed, 'add', '-A']); run('git', ['-C', seed, '-c', 'user.name=a', '-c', 'user.email=a@localhost', 'commit', '-qm', text]); run('git', ['-C', seed, 'push', '-q', 'origin', 'HEAD:main']); };
  commit('theirs');
  const mirror = (more = {}) => run('/bin/sh', [script], { env: { PATH: process.env.PATH, TMPDIR: temporary, MIRROR_FROM: from, MIRROR_TO: bare, MIRROR_BRANCH: 'main', MIRROR_PATH: 'dags', MIRROR_SECONDS: '0', ...more } });
  const there = () => run('git', ['-C', bare, 'ls-tree', '-r', '--name-only', 'main']).stdout.trim().split('\n').sort().join(' ');
  const commits = () => run('git', ['-C', bare, 'rev-list', '--count', 'main']).stdout.trim();
  const answers = [];
  const says = (isSo, what) => { answers.push([isSo, what]); };
  for (const name of ['a.py', 'b.py', '.b.py.tmp']) writeFileSync(join(from, name), `${name}\n`);
  mirror();
  says(there() === 'dags/README.md dags/a.py dags/b.py other.py', `git: DAGs are pushed, temporary files are not, files of others stay (${there()})`);
  mirror();
  says(commits() === '2', 'git: nothing new is no commit');
  rmSync(join(from, 'b.py'));
  run('git', ['-C', seed, 'pull', '-q', 'origin', 'main']);
  writeFileSync(join(seed, 'other.py'), 'changed\n');
  commit('theirs again');
  mirror();
  says(there() === 'dags/README.md dags/a.py other.py' && run('git', ['-C', bare, 'show', 'main:other.py']).stdout === 'changed\n', 'git: a DAG that is gone goes there too, and what others pushed since stays');
  const lost = mirror({ MIRROR_TO: join(folder, 'nowhere.git') });
  says(lost.status !== 0, 'git: a repository that does not answer ends the pod');
  return answers;
}
/** The object mirror against an S3 that listens at `url`. */
export async function objectMirror(script, folder, { url, rclone }) {
  const [from, temporary] = ['objects', 'tmp-objects'].map((name) => join(folder, name));
  for (const one of [from, temporary]) mkdirSync(one, { recursive: true });
  const env = { PATH: `${join(rclone, '..')}:${process.env.PATH}`, TMPDIR: temporary, MIRROR_FROM: from, MIRROR_TO: 's3://dags/airflow', MIRROR_SECONDS: '0', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', RCLONE_S3_PROVIDER: 'Other', RCLONE_S3_ENDPOINT: url, RCLONE_S3_REGION: 'us-east-1', RCLONE_S3_FORCE_PATH_STYLE: 'true' };
  await fetch(`${url}/dags`, { method: 'PUT' });
  await fetch(`${url}/dags/airflow/theirs.txt`, { method: 'PUT', body: 'theirs' });
  const mirror = (more = {}) => run('/bin/sh', [script], { env: { ...env, ...more } });
  const there = async () => [...(await (await fetch(`${url}/dags?list-type=2`)).text()).matchAll(/<Key>([^<]+)/g)].map(([, key]) => key).sort().join(' ');
  for (const name of ['a.py', 'b.py', '.b.py.tmp']) writeFileSync(join(from, name), `${name}\n`);
  const { status, stderr } = mirror();
  const first = await there();
  rmSync(join(from, 'b.py'));
  mirror();
  const second = await there();
  return [[first === 'airflow/a.py airflow/b.py airflow/theirs.txt', `object: DAGs are put, temporary files are not, files of others stay (${first}${status ? stderr : ''})`],
    [second === 'airflow/a.py airflow/theirs.txt', 'object: a DAG that is gone goes there too'], [mirror({ MIRROR_TO: 'ftp://x/y' }).status === 2, 'object: an address of another kind is refused']];
}
