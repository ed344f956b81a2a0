import { join } from 'node:path';
import { ProgramProcess, type ProgramOrders } from '@agent-etl/service-kit/testing';

/** @property heard messages that its bus brings once it is up, their bytes in base64 */
export interface OrchestratorOrders extends ProgramOrders { readonly heard?: readonly { readonly topic: string; readonly key: string; readonly headers: Readonly<Record<string, string>>; readonly value: string }[] }
/** Starts an orchestrator in a process of its own. */
export const startOrchestrator = (orders: OrchestratorOrders): ProgramProcess => ProgramProcess.start(join(import.meta.dirname, 'orchestrator-program.ts'), orders);
