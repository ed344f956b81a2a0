const doubles = new Float64Array(1);
const words = new Uint32Array(doubles.buffer);
const [HIDDEN, WORD] = [2 ** 20, 2 ** 32];

/** A double as exact text, `[-]m p e` with 2^52 <= m < 2^53 and value m * 2^(e - 52), as the SQL of `exactDouble` computes it in other engines. -0 is 0. */
export function exactDoubleText(value: number): string {
  if (value === 0) return '0';
  if (Number.isNaN(value)) return 'nan';
  const sign = value < 0 ? '-' : '';
  if (!Number.isFinite(value)) return `${sign}inf`;
  doubles[0] = value;
  const [low = 0, high = 0] = words; // of a machine that keeps the low word first, as all that Node runs on do
  const exponent = (high >>> 20) & 0x7ff;
  if (exponent !== 0) return `${sign}${((high & (HIDDEN - 1)) + HIDDEN) * WORD + low}p${exponent - 1023}`;
  let [mantissa, power] = [(high & (HIDDEN - 1)) * WORD + low, -1022];
  for (; mantissa < HIDDEN * WORD; power -= 1) mantissa *= 2;
  return `${sign}${mantissa}p${power}`;
}
