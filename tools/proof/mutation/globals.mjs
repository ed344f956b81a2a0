// What the specs take from Jest, collected and not yet run: a mutant is judged in a process that is warm, in milliseconds.
import { expect as jestExpect } from 'expect';

export const expect = jestExpect;
const { mutation } = globalThis;
const block = (parent, name) => ({ parent, name, before: [], after: [] });
let here = block(null, '');
const filled = (name, row) => { let nth = 0; return name.replaceAll(/%[sdijp]/g, () => { const value = row[nth++]; return typeof value === 'string' ? value : JSON.stringify(value, (_, held) => (typeof held === 'bigint' ? String(held) : held)); }); };
const rowsOf = (table) => (table.every(Array.isArray) ? table : table.map((row) => [row]));
export const it = (name, work) => { mutation.tests.push({ file: mutation.file, name, work, block: here }); };
it.each = (table) => (name, work) => { for (const row of rowsOf(table)) it(filled(name, row), () => work(...row)); };
export const test = it;
export const describe = (name, body) => { here = block(here, name); try { body(); } finally { here = here.parent; } };
describe.each = (table) => (name, body) => { for (const row of rowsOf(table)) describe(filled(name, row), () => body(...row)); };
/** Hooks of a file are those of the tests in it: files have a block each. */
const own = () => (here.parent ? here : (mutation.blocks[mutation.file] ??= block(null, mutation.file)));
export const beforeAll = (work) => { own().before.push(work); };
export const afterAll = (work) => { own().after.push(work); };
