import { afterAll, describe, expect, it } from '@jest/globals';
import { renderDag } from '@agent-etl/dag-rendering';
import { anApprovedPlan } from '@agent-etl/dag-rendering/testing';
import { Ruff } from './ruff.service.ts';

describe('Ruff', () => {
  const ruff = new Ruff();
  afterAll(() => ruff.stop());
  it('finds nothing in what we render', async () => {
    expect(await ruff.check(renderDag(anApprovedPlan()).text)).toEqual([]);
    expect(await ruff.check(renderDag(anApprovedPlan({ plan: { schedule: null } })).text)).toEqual([]);
  });
  it.each([
    ['a name that is not there', 'print(nothing)\n', 'undefined'],
    ['broken syntax', 'def (:\n', 'Expected'],
    ['an argument that Airflow 3 removed', 'from airflow import DAG\nDAG(dag_id="x", schedule_interval="@daily")\n', 'schedule_interval'],
  ])('finds %s', async (_, text, word) => {
    const found = await ruff.check(text);
    expect(found.map((issue) => issue.text).join(' ').toLowerCase()).toContain(word.toLowerCase());
  });
  it('answers several at once, and again after it was stopped', async () => {
    const texts = ['x = 1\n', 'print(a)\n', 'y = 2\n'];
    const counts = async (): Promise<number[]> => (await Promise.all(texts.map((text) => ruff.check(text)))).map(({ length }) => length);
    expect(await counts()).toEqual([0, 1, 0]);
    await ruff.stop();
    expect(await counts()).toEqual([0, 1, 0]);
  });
});
