import { EtlError, type LineageColumn, didYouMean } from '@agent-etl/contracts';
import { type Columns, type CopyInput, type Ruled, decide, named } from '../decide.ts';
import { lineageOf } from '../lineage.ts';

/** Names that personal data often has. They are a hint and no more: only what a pipeline declares is followed. */
const LIKELY = /(^|_)(e?mails?|e_mail|phones?|mobile|ssn|iban|passport|birth_?(day|date)|date_of_birth|dob|(first|last|full|sur)_?name|surname|street|postcode|ip_?address)(_|$)/i;

/** Where personal data goes. What a policy forbids is refused by the verifier; here it is told.
 * @throws EtlError `source.not-found` for a declared column that is not there: whoever misspells one must not believe it safe */
export function rulePersonalData({ pipeline: { from, to }, source, transform, policy }: CopyInput, columns: Columns): Ruled<readonly LineageColumn[]> {
  const names = (transform?.input ?? source.columns).map(({ name }) => name);
  const missing = from.pii?.find((name) => !names.includes(name));
  if (missing !== undefined) throw new EtlError('source.not-found', { connection: from.connection, what: 'column', name: `${from.dataset}.${missing} (from.pii)`, nearest: didYouMean(missing, names) });
  const value = lineageOf({ source: { connection: from.connection, dataset: from.dataset }, columns: [...columns], ...(transform ? { transform } : {}) }, from.pii);
  const undeclared = policy.pii ? names.filter((name) => LIKELY.test(name) && !from.pii?.includes(name)) : [];
  const hints = undeclared.length ? [`${named(undeclared)} ${undeclared.length === 1 ? 'looks' : 'look'} like personal data by name and ${undeclared.length === 1 ? 'is' : 'are'} not in from.pii: nothing follows ${undeclared.length === 1 ? 'it' : 'them'}.`] : [];
  if (!from.pii) return { value, decisions: [], risks: hints };
  const clear = value.filter(({ pii }) => pii.length);
  const masked = value.filter(({ pii, masked: by }) => by.length && !pii.length);
  const isAllowed = policy.pii?.clearIn.includes(to.connection) ?? false;
  const told = clear.map(({ column, pii }) => `\`${column}\` holds personal data of ${named(pii)} as it is, in ${to.connection}.${to.dataset}.`);
  return { value, risks: [...(isAllowed ? [] : told), ...hints], decisions: [decide('personal data', clear.length ? 'arrives as it is' : masked.length ? 'arrives masked' : 'does not arrive', {
    by: 'person', why: ['declared', `${named(from.pii)} ${from.pii.length === 1 ? 'is' : 'are'} personal. ${clear.length ? `Unmasked in ${named(clear.map(({ column }) => column))}${isAllowed ? `; ${to.connection} may hold it` : ''}.` : masked.length ? `Only masks, counts and ranks of it are in ${named(masked.map(({ column }) => column))}.` : 'No column of the target is made of it.'}`],
    rejected: [['trust the names of columns', 'A value is followed through every step, whatever its column is called.']] })] };
}
