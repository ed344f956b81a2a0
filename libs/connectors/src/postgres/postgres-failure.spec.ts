import { expect, it } from '@jest/globals';
import { EtlError } from '@agent-etl/contracts';
import { postgresFailure } from './postgres-failure.ts';

const context = { connection: 'dw', address: 'db:5432', user: 'etl', database: 'dw', phase: 'writing', relation: 'public.t', right: 'INSERT' } as const;
const told = (code: string, message: string): readonly [string, boolean] => {
  const failure = postgresFailure(Object.assign(new Error(message), { code }), context) as EtlError;
  return [failure.code, failure.message.includes(message)];
};
it.each([
  ['54000', 'index row size 2736 exceeds btree version 4 maximum 2704 for index "t_v_idx"', 'plan.refused', true],
  ['54011', 'tables can have at most 1600 columns', 'plan.refused', true],
  ['54001', 'stack depth limit exceeded', 'query.memory-exceeded', false], ['53200', 'out of memory', 'query.memory-exceeded', false],
])('%s, %s, is %s', (code, message, is, repeats) => { expect(told(code, message)).toEqual([is, repeats]); });
