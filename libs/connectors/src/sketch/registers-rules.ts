/** Registers of a distinct-value sketch. A value goes to the register that the low 12 bits of its hash name, and each register keeps the least of the other 52 bits:
 * merging is taking the lesser, in any order and any number of times. Infinity: nothing came yet. */
export type Registers = Float64Array;
export const REGISTERS = 4_096;
const SCALE = 2 ** 52;
/** Bounds are this many standard errors wide: one estimate in 370 lies outside. */
const ERRORS = 3;

export const emptyRegisters = (): Registers => new Float64Array(REGISTERS).fill(Infinity);
export const mergeRegisters = (a: Registers, b: Registers): Registers => a.map((least, index) => Math.min(least, b[index] ?? Infinity));

/** Reads registers that a server sends as `register:least,register:least`. @throws RangeError what no server of ours says */
export function readRegisters(pairs: string | null): Registers {
  const registers = emptyRegisters();
  for (const pair of pairs ? pairs.split(',') : []) {
    const [register, least] = pair.split(':').map(Number);
    if (register === undefined || least === undefined || !(register < REGISTERS) || !(least < SCALE)) throw new RangeError('no register');
    registers[register] = least;
  }
  return registers;
}

export interface Distinct { readonly estimate: number; readonly low: number; readonly high: number; readonly by: 'linear-counting' | 'minima' }

/** Distinct values behind the registers, of which there were at most `values`.
 * While registers stay empty their number tells: n = -m ln(empty / m), standard error sqrt(m (e^t - t - 1)) / (t m) at t = n / m (Whang et al. 1990). Once more than about nine in ten are filled the minima
 * tell more: each is exponential with rate n / m, cut off at 1, so n = m filled / sum of minima, standard error 1 / sqrt(filled). Every filled register has seen a value of its own. */
export function distinctOf(registers: Registers, values: number): Distinct {
  const filled = registers.reduce((count, least) => count + (least < Infinity ? 1 : 0), 0);
  if (filled === 0) return { estimate: 0, low: 0, high: 0, by: 'linear-counting' };
  if (isCertain(filled)) return { estimate: filled, low: filled, high: filled, by: 'linear-counting' };
  const { estimate, error, by } = best(registers, filled);
  const within = (count: number): number => Math.min(values, Math.max(filled, count));
  return { estimate: within(Math.round(estimate)), low: within(Math.floor(estimate * (1 - ERRORS * error))), high: within(Math.ceil(estimate * (1 + ERRORS * error))), by };
}

/** Whether two of so few values fall into one register more seldom than the bound of everything else is missed. */
const isCertain = (filled: number): boolean => (filled * (filled + 1)) / 2 / REGISTERS < 0.0027;

interface Estimate { readonly estimate: number; readonly error: number; readonly by: Distinct['by'] }
function best(registers: Registers, filled: number): Estimate {
  const sum = registers.reduce((total, least) => total + (least < Infinity ? (least + 0.5) / SCALE : 1), 0);
  const minima: Estimate = { estimate: REGISTERS * filled / sum, error: 1 / Math.sqrt(filled), by: 'minima' };
  if (filled === REGISTERS) return minima;
  const load = -Math.log((REGISTERS - filled) / REGISTERS);
  const linear: Estimate = { estimate: REGISTERS * load, error: Math.sqrt(REGISTERS * (Math.exp(load) - load - 1)) / (load * REGISTERS), by: 'linear-counting' };
  return linear.error <= minima.error ? linear : minima;
}
