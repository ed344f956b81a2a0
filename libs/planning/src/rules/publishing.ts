import type { Plan, PublishTask, RiskClass, loadModes } from '@agent-etl/contracts';

export type LoadMode = (typeof loadModes)[number];
/** How a load becomes visible. */
export interface Publishing { readonly load: LoadMode; readonly how: PublishTask['how']; readonly risk: RiskClass; readonly key: Plan['target']['key'];
  /** `once-more`: rows that the target has may come again, so what it has read is no position. */
  readonly fills?: 'once-more';
  readonly vanished?: PublishTask['vanished'] }
