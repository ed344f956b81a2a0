import { Step, aggregateFunctions, binaryOperators, stepKinds } from '@agent-etl/contracts';
import { functionList } from '@agent-etl/sql-safety';
import { page, table } from './reference.ts';

/** What a step or an expression may say: read off the schemas and the registry that decide it. */
export function expressionsPage(): string {
  return page('Steps and expressions', 'libs/contracts/src/transform and libs/sql-safety/src/registry', [
    'An expression is read by a real SQL parser, becomes a closed typed tree, and is printed anew for the engine that runs it: its text never is SQL. What is not listed here does not exist, and is refused by name with its place.',
    'It means the same in DuckDB, PostgreSQL and Spark, value for value: `/` divides truly and by zero gives NULL, `//` and `%` are for whole numbers, decimals keep every digit or are refused, texts are ordered by code points, `lower`, `upper` and `ilike` are those of ASCII.',
    '## Steps', table(['step', 'does'], stepKinds.map((kind) => [`\`${kind}\``, Step.shape[kind].description ?? ''])),
    '## Operators', `${binaryOperators.filter((operator) => operator !== 'same' && operator !== 'differs').map((operator) => `\`${operator}\``).join(' ')} \`and\` \`or\` \`not\` \`is [not] null\` \`is [not] distinct from\` \`[not] between\` \`[not] in (...)\` \`[not] like\` \`[not] ilike\` \`case when ... then ... else ... end\` \`cast(x as type)\` \`try_cast(x as type)\``,
    '## Functions', table(['function', 'arguments', 'also called'], functionList.map(({ id, least, most, others }) => [`\`${id}\``, least === most ? String(least) : `${least} to ${most}`, others.map((name) => `\`${name}\``).join(' ') || '-'])),
    '## Aggregates', `${aggregateFunctions.map((name) => `\`${name}\``).join(' ')}. Sums and averages are for whole numbers and decimals: a sum of doubles depends on the order of rows, and no two runs would prove the same.`]);
}
