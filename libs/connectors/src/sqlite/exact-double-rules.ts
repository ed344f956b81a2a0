const view = new DataView(new ArrayBuffer(8));
const HIDDEN = 2n ** 52n;

/** A double as exact text, `[-]m p e` with 2^52 <= m < 2^53 and value m * 2^(e - 52), as the SQL of `exactDouble` computes it in other engines. -0 is 0. */
export function exactDoubleText(value: number): string {
  if (value === 0) return '0';
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  let exponent = Number(bits >> 52n);
  let mantissa = bits & (HIDDEN - 1n);
  if (exponent === 0) exponent = 1;
  else mantissa |= HIDDEN;
  for (; mantissa < HIDDEN; exponent -= 1) mantissa <<= 1n;
  return `${value < 0 ? '-' : ''}${mantissa}p${exponent - 1023}`;
}
