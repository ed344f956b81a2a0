import ruff from '@astral-sh/ruff-wasm-nodejs';
import { describe, expect, it } from '@jest/globals';
import { anApprovedPlan } from '../testing/approved-plan.ts';
import { renderDag } from './render-dag.ts';

// At run time `lintDag` lets only these reviewed texts pass, so what ruff says of them here holds for every file that is ever written.
describe('Ruff, with its rules for Airflow, syntax and names', () => {
  const workspace = new ruff.Workspace({ 'target-version': 'py310', lint: { select: ['AIR', 'F', 'E9'], preview: true } }, ruff.PositionEncoding.Utf16);
  const messages = (text: string): string => (workspace.check(text) as { message: string }[]).map(({ message }) => message).join(' ').toLowerCase();
  it.each([['with a schedule', {}], ['without one', { plan: { schedule: null } }]])('finds nothing in a DAG %s', (_, change) => {
    expect(messages(renderDag(anApprovedPlan(change)).text)).toBe('');
  });
  it.each([
    ['a name that is not there', 'print(nothing)\n', 'undefined'],
    ['broken syntax', 'def (:\n', 'expected'],
    ['an argument that Airflow 3 removed', 'from airflow import DAG\nDAG(dag_id="x", schedule_interval="@daily")\n', 'schedule_interval'],
  ])('finds %s', (_, text, word) => { expect(messages(text)).toContain(word); });
});
