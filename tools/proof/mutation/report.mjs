// Which mutants are tried, and what came of them.
/** Share of mutants that must be seen. */
export const NEEDED = 0.75;

/** Mutants by chance, the same for the same seed (mulberry32), in the order of chance: whatever part of them is judged is a sample too. */
export function chosen(all, { sample, seed }) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  return all.map((mutant) => ({ mutant, by: next() })).toSorted((a, b) => a.by - b.by).slice(0, sample).map(({ mutant }) => mutant);
}
/** Wilson's interval of 95 % for a share that was counted over a sample. */
export function bounds(seen, of) {
  const [z, share] = [1.96, seen / of];
  const middle = share + (z * z) / (2 * of);
  const wide = z * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of));
  return [(middle - wide) / (1 + (z * z) / of), (middle + wide) / (1 + (z * z) / of)];
}
export function score(mutants, verdicts) {
  const isSeen = ({ id }) => typeof verdicts.get(id) === 'string';
  return { isSeen, seen: mutants.filter(isSeen).length, survivors: mutants.filter((mutant) => !isSeen(mutant)).toSorted((a, b) => Number(a.id) - Number(b.id)), late: mutants.filter(({ id }) => verdicts.get(id) === 'took too long').length, unmet: mutants.filter(({ id }) => verdicts.get(id) === undefined).length, isMet: ({ id }) => verdicts.get(id) !== undefined };
}
const percent = (share) => `${(share * 100).toFixed(1)} %`;
const cell = (text) => `\`${text.replaceAll('`', "'").replaceAll('|', '\\|').slice(0, 70)}\``;
const table = (head, rows) => [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

export function reportPage({ all, mutants, seed, answer, tests }) {
  const [low, high] = bounds(answer.seen, mutants.length);
  const isPart = mutants.length < all.length;
  const files = [...Map.groupBy(mutants, ({ file }) => file)].map(([file, of]) => ({ file, of: of.length, seen: of.filter(answer.isSeen).length })).toSorted((a, b) => a.seen / a.of - b.seen / b.of);
  return [
    '# Mutants of the gate', '',
    '`npm run proof -- mutation --write` wrote this page. A mutant is the library with one place changed: a condition turned round, a text emptied, a call left out. It is seen when a spec fails. Mutators are those of Stryker; how the run works and what it does not see stands in [ADR 36](../adr/0036-mutants-are-judged-in-a-warm-process.md).', '',
    table(['', ''], [['mutants of `libs/sql-safety`', String(all.length)], ['tried', isPart ? `${mutants.length}, by chance, seed ${seed}` : 'all'], ['tests', String(tests)], ['seen', `${answer.seen}, ${answer.late} of them because a test did not end`], ['not seen', `${answer.survivors.length}, ${answer.unmet} of them met by no test`], ['**score**', `**${percent(answer.seen / mutants.length)}**${isPart ? `; of all mutants between ${percent(low)} and ${percent(high)} (95 %)` : ''}`], ['needed', percent(NEEDED)]]), '',
    '## By file', '', table(['file', 'tried', 'seen', 'share'], files.map(({ file, of, seen }) => [`\`${file}\``, of, seen, percent(seen / of)])), '',
    '## Not seen', '', 'Some change nothing that can be told apart, such as a check that another one repeats behind it.', '', table(['place', 'mutator', 'from', 'to'], answer.survivors.map((mutant) => [`\`${mutant.file}:${mutant.line}\`${answer.isMet(mutant) ? '' : ' (no test)'}`, mutant.mutator, cell(mutant.from), cell(mutant.to)])), '',
  ].join('\n');
}
