import { describe, expect, it } from '@jest/globals';
import { anApprovedPlan } from '../testing/approved-plan.ts';
import { lintDag } from './lint-dag.ts';
import { renderDag } from './render-dag.ts';

describe('lintDag', () => {
  const { text } = renderDag(anApprovedPlan());
  const said = (changed: string): string[] => lintDag(changed).map(({ path }) => path);
  it('finds nothing in what we render', () => { expect(lintDag(text)).toEqual([]); });
  it.each([
    ['code beside the literal', text.replace('import json\n', 'import json, os\n'), '/code'],
    ['another operator argument', text.replace('catchup=False', 'catchup=True'), '/code'],
    ['a call in the place of the literal', text.replace("json.loads(r'''", 'eval("'), '/literal'],
    ['an early end of the literal', text.replace('acme-flights', "acme''' + x + r'''flights"), '/code'],
    ['a single quote in the literal', text.replace('acme-flights', "acme'flights"), '/literal'],
    ['a bare backslash', text.replace('acme-flights', 'acme\\nflights'), '/literal'],
    ['a letter beyond ASCII', text.replace('acme-flights', 'acmé-flights'), '/file'],
    ['a carriage return', text.replace('\n', '\r\n'), '/file'],
    ['a missing end of line', text.trimEnd(), '/file'],
    ['an argument that Airflow 3 removed', text.replace('"retries": 12', '"sla": 12'), '/code'],
  ])('finds %s', (_, changed, path) => { expect(said(changed)).toContain(path); });
});
