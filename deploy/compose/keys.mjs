// Draws every secret of the evaluation, once: passwords, the bearer token, the key that signs receipts. Each service gets a folder with its own and no others'.
// `node keys.mjs [folder]` makes what is missing below the folder, `/keys` when left out; `node keys.mjs show [folder]` prints the token and where to go.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const isShown = process.argv[2] === 'show';
const given = process.argv[isShown ? 3 : 2];
const folder = given ?? '/keys';
/** Users of the containers: ours, and `postgres` of PostgreSQL's image. A folder that is named on the command line is the caller's own. */
const owners = { service: 10001, database: 999 };
const draw = () => randomBytes(24).toString('base64url');

/** A file that only its owner reads. One that is there stays: the database has its password already. */
function keep(path, owner, make) {
  const file = join(folder, path);
  if (!existsSync(file)) {
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, make(), { mode: 0o600 });
    if (given === undefined) for (const one of [join(file, '..'), file]) chownSync(one, owner, owner);
  }
  return readFileSync(file, 'utf8');
}
/** A password that two sides know: its user in PostgreSQL, and those who log in with it. */
function shared(role, readers) {
  const password = keep(join('database', role), owners.database, draw);
  for (const reader of readers) keep(join(reader, `${role}.password`), owners.service, () => password);
  return password;
}

if (!isShown) {
  const services = { orchestrator: 'orchestrator', 'etl-worker': 'worker', 'dag-generator': 'dag_generator', monitor: 'monitor' };
  keep('database/postgres', owners.database, draw);
  shared('etl_owner', ['owner']);
  shared('etl_relay', Object.keys(services));
  for (const [service, role] of Object.entries(services)) shared(role, [service]);
  const password = shared('warehouse', []);
  keep('etl-worker/users.json', owners.service, () => JSON.stringify({ warehouse: { password } }));
  const tokens = keep('orchestrator/tokens.json', owners.service, () => JSON.stringify({ [draw()]: { name: 'evaluation', role: 'admin' } }));
  for (const service of ['etl-worker', 'dag-generator', 'monitor']) keep(join(service, 'tokens.json'), owners.service, () => tokens);
  keep('orchestrator/ed25519.pem', owners.service, () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
  process.stdout.write('keys are there\n');
} else {
  const [token] = Object.keys(JSON.parse(readFileSync(join(folder, 'orchestrator', 'tokens.json'), 'utf8')));
  process.stdout.write(`export AGENT_ETL_TOKEN=${token}\n# dashboard: http://127.0.0.1:8082 (asks for the token), API: http://127.0.0.1:8080\n`);
}
