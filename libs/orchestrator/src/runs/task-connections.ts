import type { TaskSpec } from '@agent-etl/contracts';

/** Connections that a task opens: a worker gets these and no others. */
export function connectionsOf(spec: TaskSpec): string[] {
  switch (spec.kind) {
    case 'inspect': return [spec.connection];
    case 'sketch': return [spec.source.connection];
    case 'quarantine': return [spec.target.connection];
    case 'profile': return [spec.source, spec.target, ...(spec.others ?? [])].map(({ connection }) => connection);
    case 'load': return [spec.source, spec.target, ...beside(spec)].map(({ connection }) => connection);
    case 'reconcile': return [spec.source, spec.target, ...beside(spec.load)].map(({ connection }) => connection);
    case 'publish': return [spec.source.connection, spec.target.connection];
  }
}
const beside = ({ transform }: Extract<TaskSpec, { kind: 'load' }>) => (transform?.inputs ?? []).map(({ source }) => source);
