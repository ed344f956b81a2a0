import type { Reached } from '@agent-etl/connectors';
import { type Combined, type Counted, EtlError, type LoadResult, type Stage, type Transform, isRowWise, makesGroups } from '@agent-etl/contracts';

type Through = Pick<LoadResult, 'read' | 'filtered' | 'grouped' | 'joined' | 'combined' | 'queried'>;
const differs = (difference: string): EtlError => new EtlError('sink.reconcile-mismatch', { difference });

/** What the steps did with the rows of the source. Rows that went through one by one must be those that their filters kept; of joins, unions and queries over other datasets the rows before and
 * behind each are counted apart from the rows that travel, and have to meet them.
 * @throws EtlError `sink.reconcile-mismatch` */
export function throughSteps(out: number, { reached, transform }: { readonly reached?: Reached | null; readonly transform?: Transform | undefined }): Through {
  if (!reached) return { read: out, filtered: 0 };
  const { seen, kept, combined = [] } = reached;
  const base = { read: seen, filtered: seen - kept };
  if (!transform || isRowWise(transform)) {
    if (kept !== out) throw differs(`the filters keep ${kept} rows, ${out} came out`);
    return base;
  }
  const known = followed(transform, { kept, combined });
  if (known !== null && known !== out) throw differs(`the joins and queries give ${known} rows, ${out} came out`);
  return { ...base, ...(!combined.length || makesGroups(transform) ? { grouped: kept } : { joined: kept }), ...toldApart(combined) };
}

/** Queries stand apart from joins and unions: a reader of the release before knows no such kind. */
function toldApart(counted: readonly Counted[]): Pick<Through, 'combined' | 'queried'> {
  const combined = counted.filter((each): each is Combined => each.kind !== 'query');
  const queried = counted.flatMap(({ kind, ...did }) => (kind === 'query' ? [{ with: did.with, left: did.left, right: did.right, out: did.out }] : []));
  return { ...(combined.length ? { combined } : {}), ...(queried.length ? { queried } : {}) };
}
/** Stages that a statement of its own counts: where other datasets meet the rows. */
const isCounted = (stage: Stage): boolean => stage.op === 'join' || stage.op === 'union' || (stage.op === 'query' && stage.relations.length > 0);
/** Rows behind the last stage as far as counts say it, or null: nobody counts groups, and filters behind a join.
 * @throws EtlError `sink.reconcile-mismatch` when a join began from other rows than those that the stage before gave */
function followed({ stages }: Transform, { kept, combined }: Required<Pick<Reached, 'kept' | 'combined'>>): number | null {
  let known: number | null = kept;
  let next = 0;
  for (const [index, stage] of stages.entries()) {
    if (stage.op === 'rows') {
      if (index > 0 && stage.where !== null) known = null;
      continue;
    }
    if (!isCounted(stage)) { known = null; continue; }
    const did = combined[next];
    next += 1;
    if (!did) throw differs(`${stages.filter(isCounted).length} joins and queries were planned, ${combined.length} were counted`);
    if (known !== null && did.left !== known) throw differs(`${known} rows reach the ${did.kind} with ${did.with}, it saw ${did.left}`);
    known = did.out;
  }
  return known;
}
