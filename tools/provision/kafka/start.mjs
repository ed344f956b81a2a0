// A broker for as long as this process lives: node tools/provision/kafka/start.mjs [--json] [--dir FOLDER]
// Prints its address, with --json as one line {"brokers":[...],"pid":...}. Lines on standard input: `kill` (SIGKILL), `start` (again, same ports and data), `stop` (clean).
// Each is answered with one line when it is done. SIGTERM, SIGINT and the end of standard input stop broker and process.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startKafka } from './kafka-cluster.mjs';
import { provisionKafka } from './provision.mjs';

const given = process.argv.indexOf('--dir');
const dir = given > 0 ? process.argv[given + 1] : mkdtempSync(join(tmpdir(), 'etl-kafka-'));
const json = process.argv.includes('--json');
const say = (what) => { process.stdout.write(`${json ? JSON.stringify(what) : what.brokers?.join(',') ?? what.done}\n`); };

const kafka = await startKafka({ ...await provisionKafka(join(import.meta.dirname, '..', '..', '..', '.cache', 'kafka')), dir });
let leaving;
const leave = () => leaving ??= kafka.stop().then(() => {
  if (given < 0) rmSync(dir, { recursive: true, force: true });
  process.exit(0);
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, leave);
say({ brokers: kafka.brokers, pid: kafka.pid() });
const commands = { kill: kafka.kill, start: kafka.start, stop: kafka.stop };
for await (const line of createInterface({ input: process.stdin })) {
  const command = commands[line.trim()];
  if (!command) { process.stderr.write(`unknown: ${line}\n`); continue; }
  await command();
  say({ done: line.trim(), pid: kafka.pid() });
}
await leave();
