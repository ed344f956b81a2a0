// Ratios of paired rounds: the median with a bootstrap interval. Wall time on shared machines lies, so ratios rest on CPU per row.
export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};
export const percentile = (values, share) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(values.length * share) - 1)];

/** Seeded, so that the printed interval repeats for the same rounds. */
function random(seed) {
  let state = seed;
  return () => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return state / 2 ** 32; };
}
/** 95 % interval of the median, by 2,000 resamples. */
export function interval(values, seed = 7) {
  const next = random(seed);
  const medians = Array.from({ length: 2000 }, () => median(values.map(() => values[Math.floor(next() * values.length)])));
  return [percentile(medians, 0.025), percentile(medians, 0.975)];
}
export const ratioText = (ratios) => { const [low, high] = interval(ratios); return `${median(ratios).toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`; };
