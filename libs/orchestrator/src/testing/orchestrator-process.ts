import { join } from 'node:path';
import { ProgramProcess, type ProgramOrders } from '@agent-etl/service-kit/testing';

export type OrchestratorOrders = ProgramOrders;
/** Starts an orchestrator in a process of its own. */
export const startOrchestrator = (orders: OrchestratorOrders): ProgramProcess => ProgramProcess.start(join(import.meta.dirname, 'orchestrator-program.ts'), orders);
