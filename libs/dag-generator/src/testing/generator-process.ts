import { join } from 'node:path';
import { ProgramProcess, type ProgramOrders } from '@agent-etl/service-kit/testing';

export interface GeneratorOrders extends ProgramOrders { readonly folder: string }
/** Starts a dag-generator in a process of its own. */
export const startGenerator = (orders: GeneratorOrders): ProgramProcess => ProgramProcess.start(join(import.meta.dirname, 'generator-program.ts'), orders);
