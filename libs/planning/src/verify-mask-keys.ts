import type { Issue, LoadTask, Plan, Policy } from '@agent-etl/contracts';
import { keysOf } from '@agent-etl/sql-safety';

/** Where keys lie that no policy names: whoever writes a pipeline names no password of a connection as a key, and tries its values no further. */
const USUAL_KEYS: readonly string[] = ['secret://masking', 'secret://masking/'];

/** Whether a reference may be the key of a mask.
 * @param allowed references: with a field, without one for all its fields, or ending in / for all beneath */
const isKeyAllowed = (reference: string, allowed: readonly string[] = USUAL_KEYS): boolean =>
  allowed.some((each) => each === reference || (!each.includes('#') && (each.endsWith('/') ? reference.startsWith(each) : reference.startsWith(`${each}#`))));

/** Keys of masks that the policy does not allow: those of the request with their place, then those that only the plan has. */
export function maskKeyIssues({ pipeline: { steps = [] } }: Pick<Plan, 'pipeline'>, loads: readonly LoadTask[], { masking }: Policy): Issue[] {
  const allowed = masking?.keys ?? USUAL_KEYS;
  const asked = steps.flatMap(({ mask, tokenize }, index) => [[mask?.keyRef, 'mask'], [tokenize?.keyRef, 'tokenize']].flatMap(([key, step]) => (key === undefined ? [] : [{ key, path: `/pipeline/steps/${index}/${step}/keyRef` }])));
  const planned = loads.flatMap(({ id, transform }) => keysOf(transform).filter((key) => asked.every((each) => each.key !== key)).map((key) => ({ key, path: `/tasks/${id}/transform` })));
  const list = allowed.map((each) => (each.endsWith('/') ? `all beneath ${each}` : each)).join(' and ') || 'none';
  const says = masking ? `policy.masking.keys allows ${list}` : `where agent-etl.yaml has no policy.masking.keys, it is ${list}`;
  return [...asked, ...planned].filter(({ key }) => !isKeyAllowed(key, allowed)).map(({ key, path }): Issue => ({ code: 'policy.mask-key', path, text: `${key} may not be the key of a mask: ${says}.` }));
}
