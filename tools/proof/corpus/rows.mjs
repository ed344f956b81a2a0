// Rows for the tables of the corpus: few values, so that they meet; NULLs, negative numbers, other alphabets. The same for every engine.
/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
const TEXTS = ['paid', 'open', 'web', 'store', 'view', 'buy', 'cart', 'a', 'B', 'é', 'Ä b', 'x@y.org', 'smith@a.de', '', 'AB12', 'free', 'pro', 'EUR', 'USD', '10115 Berlin', 'it\'s', '100%', 'a_b', '42'];
const two = (n) => String(n).padStart(2, '0');
const day = (next) => `2024-${two(1 + Math.floor(next() * 12))}-${two(1 + Math.floor(next() * 28))}`;
const quoted = (text) => `'${text.replaceAll("'", "''")}'`;
const valueOf = (type, next, nth) => {
  if (next() < 0.08) return 'NULL';
  switch (type) {
    case 'integer': case 'bigint': return String(Math.floor(next() * 12));
    case 'text': return quoted(TEXTS[Math.floor(next() * TEXTS.length)]);
    case 'json': return quoted('{}');
    case 'date': return `DATE '${day(next)}'`;
    case 'timestamp': return `TIMESTAMP '${day(next)} ${two(Math.floor(next() * 24))}:${two(Math.floor(next() * 60))}:${two(nth % 60)}'`;
    case 'double': return String(Math.floor(next() * 400 - 50) / 4);
    case 'boolean': return next() < 0.5 ? 'true' : 'false';
    default: return String((Math.floor(next() * 20_000) - 2_000) / 100);
  }
};
export function inserts(relations, seed = 7, rows = 40) {
  const next = random(seed);
  return Object.entries(relations).map(([name, columns]) => `INSERT INTO ${name} VALUES ${Array.from({ length: rows }, (_, nth) => `(${Object.values(columns).map((type) => (type.startsWith('decimal(7') || type.startsWith('decimal(5') ? String(Math.floor(next() * 9_000) / 100) : valueOf(type, next, nth))).join(', ')})`).join(', ')}`);
}
const plain = (value) => {
  if (value === null) return 'NULL';
  const text = String(value);
  if (/^-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return Number(text) === 0 ? '0' : Number(Number(text).toPrecision(11)).toString();
  return text === 't' || text === 'f' ? String(text === 't') : text;
};
/** Rows as a set with repetitions, however an engine spells its values. */
export const asSet = (rows) => rows.map((row) => Object.values(row).map(plain).join(' | ')).sort();
