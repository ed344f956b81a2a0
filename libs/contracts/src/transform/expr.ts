import { z } from 'zod';
import { ColumnType } from '../dataset.ts';
import { SafeText } from '../ids.ts';
import { SecretRef } from '../secret-ref.ts';

/** Operators between two values. `/` divides truly and gives f64, `//` whole numbers; `same` and `differs` compare NULL as a value. */
export const binaryOperators = ['+', '-', '*', '/', '//', '%', '||', '=', '<>', '<', '<=', '>', '>=', 'same', 'differs'] as const;
export type BinaryOperator = (typeof binaryOperators)[number];

/** How a value is masked. */
export const maskMethods = ['null', 'fixed', 'last4', 'sha256', 'hmac', 'token'] as const;
export type MaskMethod = (typeof maskMethods)[number];

/** A value computed from the columns of one row: the closed language that text of people is lowered to and that every dialect is printed from. */
export type Expr =
  | { k: 'lit'; t: ColumnType; v: string | null }
  | { k: 'col'; name: string }
  | { k: 'call'; fn: string; args: Expr[] }
  | { k: 'bin'; op: BinaryOperator; l: Expr; r: Expr }
  | { k: 'neg'; e: Expr }
  | { k: 'not'; e: Expr }
  | { k: 'and'; es: Expr[] }
  | { k: 'or'; es: Expr[] }
  | { k: 'isNull'; e: Expr; neg: boolean }
  | { k: 'between'; e: Expr; lo: Expr; hi: Expr; neg: boolean }
  | { k: 'in'; e: Expr; es: Expr[]; neg: boolean }
  | { k: 'like'; e: Expr; pattern: string; ci: boolean; neg: boolean }
  | { k: 'case'; whens: { when: Expr; then: Expr }[]; else: Expr }
  | { k: 'mask'; e: Expr; method: MaskMethod; v: string | null; key?: string | undefined }
  | { k: 'cast'; e: Expr; to: ColumnType; onError: 'fail' | 'null'; format?: string | undefined };
export type ExprKind = Expr['k'];

const MOST_LITERAL = 65_536;
const inner = z.lazy((): z.ZodType<Expr> => Expr);
const several = z.array(inner).min(1).max(5000);
const negated = z.boolean().describe('Whether the answer is turned round.');
const node = <K extends ExprKind, S extends z.core.$ZodLooseShape>(kind: K, shape: S) => z.object({ k: z.literal(kind).describe('Kind.'), ...shape }).strict();

export const Expr: z.ZodType<Expr> = z.discriminatedUnion('k', [
  node('lit', { t: ColumnType.describe('Type.'), v: z.string().max(MOST_LITERAL).nullable().describe('Value as text; null is NULL of the type.') }),
  node('col', { name: SafeText.min(1).describe('Column of the input.') }),
  node('call', { fn: z.string().max(63).describe('Function of the registry.'), args: z.array(inner).max(255).describe('Arguments.') }),
  node('bin', { op: z.enum(binaryOperators).describe('Operator.'), l: inner.describe('Left.'), r: inner.describe('Right.') }),
  node('neg', { e: inner.describe('Number.') }),
  node('not', { e: inner.describe('Condition.') }),
  node('and', { es: several.describe('Conditions.') }),
  node('or', { es: several.describe('Conditions.') }),
  node('isNull', { e: inner.describe('Value.'), neg: negated }),
  node('between', { e: inner.describe('Value.'), lo: inner.describe('Least.'), hi: inner.describe('Greatest.'), neg: negated }),
  node('in', { e: inner.describe('Value.'), es: several.describe('Values.'), neg: negated }),
  node('like', { e: inner.describe('Text.'), pattern: z.string().max(8192).describe('Pattern: % and _, each with ! before it where it is meant itself, as ! is.'), ci: z.boolean().describe('Whether case counts not (ASCII).'), neg: negated }),
  node('case', { whens: z.array(z.object({ when: inner.describe('Condition.'), then: inner.describe('Value.') }).strict()).min(1).max(1000).describe('In their order.'), else: inner.describe('Otherwise.') }),
  node('mask', {
    e: inner.describe('Value.'), method: z.enum(maskMethods).describe('null: nothing · fixed: a constant · last4: **** and the last four characters, of a text of 8 or more · sha256: of its text, in hex · hmac: HMAC-SHA256 of its text under a key, in hex · token: tok_ and 32 hex digits of the HMAC of scope and text.'),
    v: z.string().max(1000).nullable().describe('The constant, for fixed; the scope, for token; else null.'),
    key: SecretRef.optional().describe('Where the key lies, for hmac and token; never the key.'),
  }),
  node('cast', {
    e: inner.describe('Value.'), to: ColumnType.describe('Type.'), onError: z.enum(['fail', 'null']).describe('What a value that does not fit becomes.'),
    format: z.string().max(100).optional().describe('How a text spells a date or time, in closed tokens such as %Y-%m-%d.'),
  }),
]).meta({ id: 'Expr', description: 'A value computed from the columns of one row.' });
