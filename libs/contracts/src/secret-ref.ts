import { z } from 'zod';

export const SecretRef = z.string().regex(/^secret:\/\/[A-Za-z0-9][A-Za-z0-9/_.+=@-]{0,255}(#[A-Za-z0-9_.-]{1,64})?$/, 'must be a reference such as secret://name#field, never the value itself')
  .refine((text) => !text.includes('..'), 'may not hold "..": a reference names its secret, and climbs to no other').meta({ description: 'secret://name#field: where a value lies, never the value.' });
