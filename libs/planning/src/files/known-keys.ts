import { z } from 'zod';

/** The schemas behind optional, nullable and default. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodNullable || inner instanceof z.ZodDefault) inner = inner.unwrap();
  return inner;
}
function members(schema: z.core.$ZodType): z.core.$ZodType[] {
  const inner = unwrap(schema);
  return inner instanceof z.ZodUnion ? inner.options.flatMap((option) => members(option as z.core.$ZodType)) : [inner];
}
function below(schema: z.core.$ZodType, key: PropertyKey): z.core.$ZodType[] {
  if (schema instanceof z.ZodObject) {
    const member = (schema.shape as Record<PropertyKey, z.core.$ZodType | undefined>)[key];
    return member ? [member] : [];
  }
  if (schema instanceof z.ZodRecord) return [schema.valueType as z.core.$ZodType];
  return schema instanceof z.ZodArray ? [schema.element as z.core.$ZodType] : [];
}

/** Keys that an object at `path` may have, over all members of a union. Empty where any key goes. */
export function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let here = members(schema);
  for (const key of path) here = here.flatMap((member) => below(member, key)).flatMap(members);
  return [...new Set(here.flatMap((member) => (member instanceof z.ZodObject ? Object.keys(member.shape as object) : [])))];
}
