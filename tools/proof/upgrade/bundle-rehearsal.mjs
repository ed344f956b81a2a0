// node bundle-rehearsal.mjs FOLDER APP...: the services as a next release would be, for the proof of an upgrade. Prints what it has changed.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { transform } from '@swc/core';
import { build } from 'esbuild';
import { bundleDefaults, childProgram, decorators, external } from '../../bundle-plugins.mjs';
import { root } from '../../install.mjs';
import { swc } from '../../swc.mjs';

const [folder, ...apps] = process.argv.slice(2);
const rehearsal = `class Rehearsal1990000000000 implements Migration {
  readonly name = 'Rehearsal1990000000000';
  readonly release = STATE_RELEASE;
  readonly phase = 'expand';
  async up(runner: QueryRunner): Promise<void> {
    await runAll(runner, [sql\`alter table outbox add column rehearsal text, add column rehearsed integer not null default 7\`, sql\`alter table inbox add column rehearsal text\`, sql\`create index inbox_rehearsal on inbox (rehearsal)\`, sql\`create table rehearsal (id int primary key)\`]);
  }
  async down(): Promise<void> { /* nothing migrates down */ }
}
import { STATE_RELEASE } from '../release.ts';
`;
/** Text of a file that the next release has otherwise. */
const changes = [
  { file: 'libs/persistence/src/release.ts', from: /STATE_RELEASE = (\d+);/, to: (_, release) => `STATE_RELEASE = ${Number(release) + 1};`, says: 'its release number is one higher' },
  { file: 'libs/persistence/src/migrations/platform.migration.ts', from: /(\/\*\* Migrations of outbox[^]*?=> \[)([^\]]*)\];/, to: (_, head, list) => `${rehearsal}${head}${list}, Rehearsal1990000000000];`, says: 'a migration in each schema adds columns, an index and a table' },
  { file: 'libs/messaging/src/message-headers.ts', from: /JSON\.stringify\(payload\)/, to: () => "JSON.stringify({ ...payload, ofTheNextRelease: { nested: ['unknown', 1, null] } })", says: 'every message has a field that nobody knows' },
  { file: 'libs/messaging/src/message-headers.ts', from: /'content-type': 'application\/json',/, to: (text) => `${text} etl_next: '1',`, says: 'and a header that nobody knows' },
];
const seen = new Set();
const rehearsed = {
  name: 'rehearsed',
  setup: (builder) => builder.onLoad({ filter: /\/(release|platform\.migration|message-headers)\.ts$/ }, async ({ path }) => {
    let text = await readFile(path, 'utf8');
    for (const change of changes.filter(({ file }) => join(root, file) === path)) {
      const next = text.replace(change.from, change.to);
      if (next === text) throw new Error(`${change.file} is no longer as the rehearsal knows it: ${change.says}`);
      text = next;
      seen.add(change.says);
    }
    const { code } = await transform(text, { ...swc, configFile: false, filename: path });
    return { loader: 'js', contents: code };
  }),
};
for (const app of apps) {
  await build({ ...bundleDefaults, absWorkingDir: join(root, 'apps', app), entryPoints: [join(root, 'apps', app, 'src', 'main.ts')], outdir: join(folder, app), metafile: true, plugins: [rehearsed, decorators, external, childProgram] });
}
if (seen.size !== changes.length) throw new Error(`only this was changed: ${[...seen].join(', ')}`);
process.stdout.write(`${[...seen].join(', ')}\n`);
