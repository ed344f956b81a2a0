import { type ColumnType, joinKinds } from '@agent-etl/contracts';
import { type ExprDialect, type Fused, type InputColumns, type LoweredStep, checked, fuseSteps } from '@agent-etl/sql-safety';
import { Forge } from './forge.ts';
import { Seeded } from './seeded.ts';

const POOLS: Readonly<Partial<Record<ColumnType['kind'], readonly (string | null)[]>>> = {
  i32: ['0', '1', '1', '2', '-7', '2147483647', null], i64: ['0', '1', '2', '2', '9223372036854775807', null], dec: ['0.00', '1.00', '2.00', '-7.00', '1.50', null], f64: ['0', '1.5', '-2.25', null],
  text: ['', 'a', 'A', 'a ', 'Straße', "o'clock", 'NULL', null, null], bool: ['true', 'false', null], date: ['2000-01-01', '2024-02-29', null], ts: ['2000-01-01 00:00:00', '2024-02-29 23:59:59.999999', null],
};
/** One dataset: its columns and some rows of edges, often none. */
export interface Forged { readonly columns: InputColumns; readonly rows: readonly (readonly (string | null)[])[] }

/** Random chains of steps with joins and unions over random datasets. Equal seeds give equal chains. */
export class JoinForge extends Seeded {
  private readonly having: { readonly dialect?: ExprDialect };
  /** @param dialect engine that has a form for every step; any when left out */
  constructor(seed: number, dialect?: ExprDialect) { super(seed); this.having = dialect ? { dialect } : {}; }
  dataset(columns: Readonly<Record<string, ColumnType>>): Forged {
    const count = this.pick([0, 1, 3, 6, 9]);
    return { columns: new Map(Object.entries(columns)), rows: Array.from({ length: count }, () => Object.values(columns).map(({ kind }) => this.pick(POOLS[kind] ?? [null]))) };
  }
  chain(input: InputColumns, inputs: readonly InputColumns[]): Fused {
    for (let tries = 0; ; tries += 1) {
      const steps: LoweredStep[] = [];
      let columns = input;
      const wanted = 1 + Math.floor(this.random() * 4);
      for (let refused = 0; steps.length < wanted && refused < 200; refused += 1) {
        const step = this.random() < 0.55 ? [this.combining(columns, inputs)] : new Forge(Math.floor(this.random() * 2 ** 32), columns).step();
        const next = checked('/', () => fuseSteps([...steps, ...step], input, { inputs, ...this.having }));
        if (!next.ok) continue;
        steps.push(...step);
        columns = new Map(next.value.columns.map(({ name, type }) => [name, type]));
      }
      if (steps.some(({ op }) => op === 'join' || op === 'union')) return fuseSteps(steps, input, { inputs, ...this.having });
    }
  }
  private combining(columns: InputColumns, inputs: readonly InputColumns[]): LoweredStep {
    const number = Math.floor(this.random() * inputs.length);
    if (this.random() < 0.25) return { op: 'union', inputs: this.random() < 0.5 ? [number] : [number, Math.floor(this.random() * inputs.length)], distinct: this.random() < 0.5 };
    const [left, right] = [[...columns.keys()], [...inputs[number]!.keys()]];
    const kind = this.pick(joinKinds);
    const on = Array.from({ length: this.pick([1, 1, 2]) }, () => ({ left: this.pick(left), right: this.pick(right), nullSafe: this.random() < 0.4 }));
    const take = kind === 'semi' || kind === 'anti' ? [] : right.filter(() => this.random() < 0.6).map((column) => ({ column, as: `y${Math.floor(this.random() * 1e6)}` }));
    const prefer = this.random() < 0.3 ? { prefer: [{ e: { k: 'col', name: this.pick(right) } as const, dir: this.pick(['asc', 'desc'] as const), nulls: this.pick(['first', 'last'] as const) }] } : {};
    return { op: 'join', input: number, kind, on, take, matches: 'many', misses: 'pass', ...prefer };
  }
}
