import type { Expr } from '@agent-etl/contracts';
import { Refusal } from '../../refusal.ts';

/** How the parser names LIKE and its kin, with what each means. */
const likes: Readonly<Record<string, { readonly ci: boolean; readonly neg: boolean }>> = {
  '~~': { ci: false, neg: false }, '!~~': { ci: false, neg: true }, '~~*': { ci: true, neg: false }, '!~~*': { ci: true, neg: true },
  like_escape: { ci: false, neg: false }, not_like_escape: { ci: false, neg: true }, ilike_escape: { ci: true, neg: false }, not_ilike_escape: { ci: true, neg: true },
};

/** LIKE with a constant pattern, its escapes spelled with `!`, which no engine has a habit for. Null for any other function.
 * @throws Refusal `SQL_LITERAL` for a pattern that is computed or ends in an escape */
export function likeOf(name: string, args: readonly Expr[], at: number | null): Expr | null {
  const like = Object.hasOwn(likes, name) ? likes[name] : undefined;
  if (!like) return null;
  const [e, pattern, escape] = args;
  if (!e || pattern?.k !== 'lit' || pattern.v === null || pattern.t.kind !== 'text') throw new Refusal('SQL_LITERAL', 'The pattern of LIKE must be a text', at);
  if (escape && (escape.k !== 'lit' || escape.v === null || [...escape.v].length > 1)) throw new Refusal('SQL_LITERAL', 'The escape of LIKE must be one character', at);
  return { k: 'like', e, pattern: spelled(pattern.v, escape?.k === 'lit' ? escape.v ?? '' : '', at), ...like };
}

function spelled(pattern: string, escape: string, at: number | null): string {
  let out = '';
  const characters = [...pattern];
  for (let index = 0; index < characters.length; index += 1) {
    const character = characters[index] ?? '';
    if (character === escape && escape !== '') {
      index += 1;
      const meant = characters[index];
      if (meant === undefined) throw new Refusal('SQL_LITERAL', 'The pattern of LIKE ends in its escape', at);
      out += '%_!'.includes(meant) ? `!${meant}` : meant;
    } else out += character === '!' ? '!!' : character;
  }
  return out;
}
