import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { breaksOf } from './breaking-rules.ts';

const step = z.discriminatedUnion('kind', [z.object({ kind: z.literal('a'), n: z.int() }), z.object({ kind: z.literal('b') })]);
const schema = (shape: z.ZodRawShape, also: z.ZodRawShape = {}): never => z.toJSONSchema(z.object({ id: z.string().max(10), state: z.enum(['on', 'off']), note: z.string().optional(), list: z.array(z.object({ n: z.int() })), step, closed: z.object({ x: z.int() }).strict(), ...shape, ...also }), { io: 'input' }) as never;
const before = schema({});

describe('between releases that live side by side', () => {
  it.each([
    ['a field is gone', schema({ note: z.never().optional() }), '/note'], ['a type changed', schema({ id: z.int() }), '/id'], ['a bound is narrower', schema({ id: z.string().max(5) }), '/id: maxLength'], ['a bound is wider', schema({ id: z.string().max(50) }), '/id: maxLength'],
    ['a value is gone', schema({ state: z.enum(['on']) }), '/state'], ['a value is new', schema({ state: z.enum(['on', 'off', 'half']) }), '/state: the value "half" is new'], ['an optional field is required', schema({ note: z.string() }), '/note: is now required'],
    ['a required field may be left out', schema({ id: z.string().max(10).optional() }), '/id: may now be left out'], ['a new field is required', schema({}, { more: z.string() }), '/more: is new and required'], ['it is null now and then', schema({ id: z.string().max(10).nullable() }), '/id'],
    ['a field of a list changed', schema({ list: z.array(z.object({ n: z.string() })) }), '/list/*/n'], ['a form is new', schema({ step: z.discriminatedUnion('kind', [...step.options, z.object({ kind: z.literal('c') })]) }), '/step: there were 2 forms'],
    ['a form changed', schema({ step: z.discriminatedUnion('kind', [z.object({ kind: z.literal('a'), n: z.string() }), z.object({ kind: z.literal('b') })]) }), '/step|0/n'], ['a closed object gained a field', schema({ closed: z.object({ x: z.int(), y: z.int().optional() }).strict() }), '/closed/y'],
    ['an open object was closed', z.toJSONSchema(z.object((z.object({ id: z.string() })).shape).strict(), { io: 'input' }) as never, 'additionalProperties'],
  ])('it is refused that %s', (_, now, words) => { expect(breaksOf(before, now).join('\n')).toContain(words); });
  it('a message may gain optional fields, in its parts too, and other words', () => {
    expect(breaksOf(before, schema({ id: z.string().max(10).describe('said otherwise'), list: z.array(z.object({ n: z.int(), more: z.int().optional() })) }, { extra: z.object({ a: z.int() }).optional() }))).toEqual([]);
  });
  it('a schema that holds itself is walked once', () => {
    const Tree: z.ZodType = z.object({ get kids() { return z.array(Tree); } }).meta({ id: 'BreakingTree' });
    expect(breaksOf(z.toJSONSchema(z.object({ Tree })) as never, z.toJSONSchema(z.object({ Tree })) as never)).toEqual([]);
  });
});
