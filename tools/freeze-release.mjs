// `node tools/freeze-release.mjs`: writes down what this release says and did, for the releases to come: the schema of each message, messages and histories of real runs, and its migrations.
// Done once, when the release is published: afterwards the files of its number never change.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleDefaults, decorators, external } from './bundle-plugins.mjs';
import { realRuns } from './freeze/real-runs.mjs';
import { cache, root } from './install.mjs';

const outfile = join(cache, 'freeze', 'frozen.mjs');
await build({ ...bundleDefaults, entryPoints: [join(import.meta.dirname, 'freeze', 'frozen.ts')], outfile, plugins: [decorators, external] });
const frozen = await import(outfile);
const write = (lib, name, text) => {
  const folder = join(root, 'libs', lib, 'corpus', `release-${frozen.release}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), text);
  process.stdout.write(`wrote libs/${lib}/corpus/release-${frozen.release}/${name}: ${text.length} bytes\n`);
};
const pretty = (value) => `${JSON.stringify(value, null, 1)}\n`;
const { messages, histories } = await realRuns();

/** At most so many messages of a type: the first ones differ most. */
const MOST = 6;
const kept = [...Map.groupBy(messages, ({ type }) => type).values()].flatMap((list) => list.slice(0, MOST));
const [started] = messages.filter(({ type }) => type === 'task.run.started.v1');
const [published] = messages.filter(({ type }) => type === 'dag.published.v1');
const failure = messages.find(({ type }) => type === 'task.run.failed.v1')?.value.failure;
const rejected = messages.find(({ type }) => type === 'pipeline.rejected.v1')?.value;
/** What bypasses the outbox, comes from outside, or needs a mishap, put together from parts of real messages. */
const composed = {
  'pipeline.requested.v1': [{ requestId: 'a-request', pipeline: { name: 'orders_daily', from: { connection: 'shop', dataset: 'public.orders' }, to: { connection: 'wh', dataset: 'public.orders' } }, run: 'now' }],
  'task.run.progressed.v1': started ? [{ runId: started.value.runId, taskRunId: started.value.taskRunId, attempt: 1, progress: { phase: 'copying', rows: 10, totalRows: 50, bytes: 100, chunksDone: 1, chunks: 5 } }] : [],
  'dag.failed.v1': published && failure ? [{ pipelineId: published.value.pipelineId, planId: published.value.planId, failure }] : [],
  'pipeline.rejected.v1': rejected ? [] : [{ requestId: 'a-request', code: 'source.not-found', text: 'shop has no table x.', issues: [] }],
};
const types = Object.keys(frozen.catalogue());
const real = new Set(kept.map(({ type }) => type));
const lines = [...kept.map(({ type, value }) => ({ type, of: 'a real run', value })), ...types.filter((type) => !real.has(type)).flatMap((type) => (composed[type] ?? []).map((value) => ({ type, of: 'parts of real messages', value })))];
for (const { type, value } of lines) frozen.read(type, value);
const missing = types.filter((type) => !lines.some((line) => line.type === type));
write('contracts', 'catalogue.json', `{\n${Object.entries(frozen.catalogue()).map(([type, said]) => `${JSON.stringify(type)}: ${JSON.stringify(said)}`).join(',\n')}\n}\n`);
write('contracts', 'messages.ndjson', lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
write('orchestrator', 'histories.ndjson', histories.map((history) => `${JSON.stringify(history)}\n`).join(''));
write('persistence', 'migrations.json', pretty(await frozen.migrations()));
process.stdout.write(`${lines.length} messages of ${types.length - missing.length} types${missing.length ? `; none of ${missing.join(', ')}` : ''}; ${histories.length} histories: ${[...Map.groupBy(histories, ({ begun, ended }) => `${begun.kind} ${ended.state}`)].map(([what, list]) => `${list.length} ${what}`).join(', ')}\n`);
