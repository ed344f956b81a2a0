import type { TaskCommand, TaskSpec } from '@agent-etl/contracts';

/** Connections that move rows at once on one system, where its own limit says nothing: what two loads may open that read as wide as a plan allows. */
export const DEFAULT_LANES = 8;
const PROVING = 2;

/** What a task would open. @property connections by name, twice where both ends are one · @property most what each of them bears · @property wanted lanes at the most; 0 for one that moves no rows between systems that count */
export interface LanesAsked { readonly connections: string[]; readonly most: number[]; readonly wanted: number }

/** Lanes that a command asks for. Looks at a connection are short, and somebody waits for them: they stand outside the count. */
export function lanesAsked({ task, connections }: Pick<TaskCommand, 'task' | 'connections'>): LanesAsked {
  const counted = endsOf(task).flatMap((name) => {
    const connection = connections.find((one) => one.name === name);
    return connection && (connection.connector === 'postgres' || connection.connector === 'mysql') ? [{ name, most: connection.limits?.connections ?? DEFAULT_LANES }] : [];
  });
  return { connections: counted.map(({ name }) => name), most: counted.map(({ most }) => most), wanted: counted.length ? widthOf(task) : 0 };
}
function endsOf(task: TaskSpec): string[] {
  switch (task.kind) {
    case 'profile': case 'inspect': case 'sketch': case 'quarantine': return [];
    case 'load': return [task.source.connection, task.target.connection];
    case 'publish': return [task.target.connection];
    case 'reconcile': return [task.load.source.connection, task.publish.target.connection];
  }
}
function widthOf(task: TaskSpec): number {
  switch (task.kind) {
    case 'profile': case 'inspect': case 'sketch': case 'quarantine': return 0;
    case 'load': return task.chunks.parallel + (isHashedBeside(task) ? 1 : 0);
    case 'publish': return task.level === 'counts' ? 1 : PROVING;
    case 'reconcile': return PROVING;
  }
}
/** The source hashes its rows, or a sample of them, in a reader of its own while others move them. */
const isHashedBeside = ({ digest, level }: { digest: string; level?: string | undefined }): boolean => level === 'sampled' || (digest === 'text-md5' && level !== 'counts');
