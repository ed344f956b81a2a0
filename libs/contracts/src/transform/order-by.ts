import { z } from 'zod';
import { SafeText } from '../ids.ts';

/** One part of an order as a person writes it. */
export const OrderBy = z.object({
  column: SafeText.min(1).max(255).describe('Column.'), dir: z.enum(['asc', 'desc']).optional().describe('asc when left out.'), nulls: z.enum(['first', 'last']).optional().describe('last when left out.'),
}).strict();
