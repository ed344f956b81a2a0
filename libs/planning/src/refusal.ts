import { EtlError, type Issue } from '@agent-etl/contracts';

/** What a person can do about an issue of the verifier. Issues that only a wrong planner makes have no entry. */
const advice: Readonly<Record<string, string>> = {
  'target.is-source': 'name another target',
  'plan.size': 'take fewer columns with from.select, and the others in a second pipeline',
  'key.nullable': 'choose key columns that are NOT NULL, or make these so: ALTER TABLE ... ALTER COLUMN ... SET NOT NULL',
  'key.column': 'take the column into from.select, or choose another key',
  'policy.mask-key': 'name a key that the policy allows, or have whoever keeps agent-etl.yaml add this one to policy: { masking: { keys: [...] } }',
  'name.length': 'give it a shorter name: a view at the source can',
  'name.parts': 'write schema.table; a name with a dot in it goes in double quotes',
  'name.reserved': 'choose another schema',
  'name.twin': 'rename one by a view at the source, or leave it out with from.select',
};

/** What a person can do about the first of these issues that there is a word for. */
export const adviceOn = (issues: readonly Issue[]): string | undefined => issues.map(({ code }) => advice[code]).find((each) => each !== undefined);

/** A plan that its verifier refuses, in the words of its first issue. */
export function refusalOf(issues: readonly Issue[]): EtlError {
  const [first] = issues;
  const next = adviceOn(issues.slice(0, 1));
  return new EtlError('plan.refused', { rule: first?.code ?? 'the verifier', explanation: first?.text.replace(/\.$/, '') ?? 'it found issues', ...(next ? { next } : {}) }, { issues });
}
