import { join } from 'node:path';
import { ProgramProcess, type ProgramOrders } from '@agent-etl/service-kit/testing';

export interface WorkerOrders extends ProgramOrders { readonly env: Record<string, string>; readonly fileRoots: readonly string[]; readonly secrets?: Readonly<Record<string, Readonly<Record<string, string>>>> }
/** Starts a worker in a process of its own and waits until it is ready. */
export async function startWorker(orders: WorkerOrders): Promise<ProgramProcess> {
  const worker = ProgramProcess.start(join(import.meta.dirname, 'worker-program.ts'), orders);
  await worker.ready();
  return worker;
}
