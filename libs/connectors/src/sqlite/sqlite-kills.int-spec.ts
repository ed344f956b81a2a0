import { expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { LoadTask } from '@agent-etl/contracts';
import { aSqlite } from './testing/sqlite-harness.ts';

const program = fileURLToPath(new URL('./testing/killed-writer.ts', import.meta.url));
const column = (name: string, kind: 'i64' | 'text', targetNative: string) => ({ source: name, target: name, type: { kind }, sourceNative: targetNative, targetNative, nullable: true });
const task: LoadTask = {
  id: 'load', kind: 'load', engine: 'stream', source: { connection: 'else', dataset: 'x' }, target: { connection: 'lite', dataset: 'made' }, columns: [column('id', 'i64', 'INTEGER'), column('v', 'text', 'TEXT')], carrier: 'text',
  chunks: { by: 'whole', count: 1, parallel: 1, targetBytes: 1 }, sourceFingerprint: '0'.repeat(64), options: {}, digest: 'text-md5',
};

it.each(['delete', 'wal'] as const)('has in staging exactly what its ledger says, wherever kill -9 hits, with a journal of %s', async (journal) => {
  const lite = await aSqlite(journal);
  const [runId, rowsPerPiece] = [randomUUID(), 3_000];
  let seen = 0;
  for (let attempt = 1; attempt <= 6; attempt += 1) {
    const told = { connection: lite.connection, root: lite.folder.root, scratch: lite.folder.tools.scratch, task, runId, attempt, rowsPerPiece };
    const child = spawn(process.execPath, ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', program, JSON.stringify(told)], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data'); // its first piece is in
    await sleep(attempt * 13);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const sink = await (await lite.open()).sink.begin(task, { runId, task: 'load', attempt: attempt + 100, holder: 'next' });
    expect(await sink.raise()).toBe(attempt * 2);
    const ledger = await sink.ledger();
    const [{ name = '' } = {}] = lite.admin.prepare("SELECT name FROM sqlite_schema WHERE name LIKE '\\_etl\\_s\\_%' ESCAPE '\\'").all() as { name?: string }[];
    const staged = lite.admin.prepare(`SELECT count(*) AS n, total(length(v)) AS letters FROM "${name}"`).get() as { n: number; letters: number };
    expect([staged.n, staged.letters]).toEqual([ledger.length * rowsPerPiece, ledger.length * rowsPerPiece * 100]);
    expect(ledger.length).toBeGreaterThan(seen);
    seen = ledger.length;
    await sink.close();
  }
  await lite.drop();
}, 120_000);
