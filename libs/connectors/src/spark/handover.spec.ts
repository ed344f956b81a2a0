import { expect, it } from '@jest/globals';
import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from './handover.ts';

it('the folder of an operation comes, and those that were forgotten go; what is not ours stays', async () => {
  const handover = await mkdtemp(join(tmpdir(), 'handover-'));
  try {
    const [now, old, young] = [Date.now(), (Date.now() - 8 * 86_400_000) / 1000, (Date.now() - 6 * 86_400_000) / 1000];
    for (const [name, at] of [['agent-etl-old', old], ['agent-etl-young', young], ['theirs', old]] as const) { await mkdir(join(handover, name)); await utimes(join(handover, name), at, at); }
    await makeFolder(handover, 'new', now);
    expect((await readdir(handover)).sort()).toEqual(['agent-etl-new', 'agent-etl-young', 'theirs']);
  } finally {
    await rm(handover, { recursive: true });
  }
});
