import { z } from 'zod';
import { Expr } from './expr.ts';

export const Order = z.object({
  e: Expr.describe('What rows are ordered by.'), dir: z.enum(['asc', 'desc']).describe('Direction.'), nulls: z.enum(['first', 'last']).describe('Where NULLs stand.'),
}).strict().meta({ description: 'One part of an order, nothing left to an engine.' });
export type Order = z.infer<typeof Order>;
