import { z } from 'zod';

/** A reference, also one of what is stored: releases before took one that climbs, and connections, pipelines and tasks that hold one have to be read back. Such a one opens nothing. */
export const SecretRef = z.string().regex(/^secret:\/\/[A-Za-z0-9][A-Za-z0-9/_.+=@-]{0,255}(#[A-Za-z0-9_.-]{1,64})?$/, 'must be a reference such as secret://name#field, never the value itself').meta({ description: 'secret://name#field: where a value lies, never the value.' });

/** Refuses every reference that climbs, with its place, in what somebody writes now: for `superRefine`. */
export function noClimbing(value: unknown, context: { addIssue(issue: { code: 'custom'; path: PropertyKey[]; message: string }): void }, path: PropertyKey[] = []): void {
  if (typeof value === 'string' && value.includes('..') && SecretRef.safeParse(value).success) context.addIssue({ code: 'custom', path, message: 'may not hold "..": a reference names its secret, and climbs to no other' });
  if (Array.isArray(value)) for (const [index, one] of value.entries()) noClimbing(one, context, [...path, index]);
  else if (typeof value === 'object' && value !== null) for (const [key, one] of Object.entries(value)) noClimbing(one, context, [...path, key]);
}
