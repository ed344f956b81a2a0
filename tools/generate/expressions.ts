import { JoinStep, LookupStep, Step, UnionStep, aggregateFunctions, binaryOperators, stepKinds } from '@agent-etl/contracts';
import { functionList } from '@agent-etl/sql-safety';
import { page, table } from './reference.ts';
import { exampleOf } from './step-examples.ts';

/** What a step or an expression may say: read off the schemas and the registry that decide it. */
export function expressionsPage(): string {
  return page('Steps and expressions', 'libs/contracts/src/transform and libs/sql-safety/src/registry', [
    'An expression is read by a real SQL parser, becomes a closed typed tree, and is printed anew for the engine that runs it: its text never is SQL. What is not listed here does not exist, and is refused by name with its place.',
    'It means the same in DuckDB, in PostgreSQL and, where Spark has a form for it, in Spark, value for value: `/` divides truly and by zero gives NULL, `//` and `%` are for whole numbers, decimals keep every digit or are refused, texts are ordered by code points, `lower`, `upper` and `ilike` are those of ASCII.',
    '## Steps', table(['step', 'does', 'as it is written'], stepKinds.map((kind) => [`\`${kind}\``, Step.shape[kind].description ?? '', `\`${exampleOf(kind)}\``])),
    'A step sees the columns that the one before it left, and a row without an order stays without one: `limit`, `dedupe` and `window` say theirs, and where it leaves two rows equal all other columns decide. Every field of a step is in `pipeline.schema.json`.',
    'A mask takes from a column what it says, and a plan knows: personal data (`from.pii`) is followed through every step until a mask stands before it. A hash of values that can be guessed can be guessed too: `sha256` keeps rows apart and hides what is not in a list.',
    '## Other datasets', 'A join, a lookup or a union names datasets as `connection:dataset`, or `connection.schema.table`; at most 16 in one pipeline. Tables behind the connection of a PostgreSQL source are read by its statement, under its picture; anything else is handed to DuckDB and proved on the way. Columns of a join come by `take`, under names that are free. Keys are whole numbers, decimals with declared digits, texts, booleans, dates, timestamps and UUIDs.',
    table(['step', 'key', 'says'], ([['join', JoinStep], ['lookup', LookupStep], ['union', UnionStep]] as const).flatMap(([step, { shape }]) => Object.entries(shape).map(([key, schema]) => [`\`${step}\``, `\`${key}\``, schema.description ?? '']))),
    '## Operators', `${binaryOperators.filter((operator) => operator !== 'same' && operator !== 'differs').map((operator) => `\`${operator}\``).join(' ')} \`and\` \`or\` \`not\` \`is [not] null\` \`is [not] distinct from\` \`[not] between\` \`[not] in (...)\` \`[not] like\` \`[not] ilike\` \`case when ... then ... else ... end\` \`cast(x as type)\` \`try_cast(x as type)\``,
    '## Functions', table(['function', 'arguments', 'also called'], functionList.map(({ id, least, most, others }) => [`\`${id}\``, least === most ? String(least) : `${least} to ${most}`, others.map((name) => `\`${name}\``).join(' ') || '-'])),
    '## Aggregates', `${aggregateFunctions.map((name) => `\`${name}\``).join(' ')}. Sums and averages are for whole numbers and decimals: a sum of doubles depends on the order of rows, and no two runs would prove the same.`]);
}
