import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type Migration, STATE_RELEASE, breachesOf } from '@agent-etl/persistence';
import { MemorySecretStore } from '@agent-etl/secrets';
import { allServices } from './feature-services.ts';

const corpus = join(import.meta.dirname, '..', '..', '..', 'libs', 'persistence', 'corpus');
interface Frozen { readonly name: string; readonly sha256: string }
/** What a migration would say to a database. */
async function statementsOf(migration: Migration): Promise<string[]> {
  const said: string[] = [];
  await migration.up({ query: async (text: string) => { said.push(text); } } as never);
  return said;
}
const digestOf = (statements: readonly string[]): string => createHash('sha256').update(statements.join(';\n')).digest('hex');
const all = allServices({ secrets: new MemorySecretStore(), fileRoots: [] }).map(({ schema, migrations }) => ({ schema, migrations: migrations.map((One) => new One()) }));

describe('the migrations of all services', () => {
  it.each(all)('$schema: an expansion only adds, a contraction comes after the last release that needs it', async ({ migrations }) => {
    for (const migration of migrations) expect(breachesOf(migration, await statementsOf(migration))).toEqual([]);
  });
  it.each(all)('$schema: none is of a release to come, and later ones come later', ({ migrations }) => {
    const releases = migrations.map(({ release }) => release);
    expect(Math.max(...releases)).toBeLessThanOrEqual(STATE_RELEASE);
    expect(releases).toEqual([...releases].sort((a, b) => a - b));
    expect(new Set(migrations.map(({ name }) => name)).size).toBe(migrations.length);
  });
  it.each(all.flatMap(({ schema, migrations }) => readdirSync(corpus).map((release) => ({ schema, migrations, release }))))('$schema: what $release has published is unchanged', async ({ schema, migrations, release }) => {
    const { [schema]: frozen = [] } = JSON.parse(readFileSync(join(corpus, release, 'migrations.json'), 'utf8')) as Record<string, Frozen[]>;
    const now = await Promise.all(migrations.map(async (migration) => ({ name: migration.name, sha256: digestOf(await statementsOf(migration)) })));
    expect(frozen.length).toBeGreaterThan(0);
    for (const one of frozen) expect(now).toContainEqual(one);
  });
});
