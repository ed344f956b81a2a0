const whole = new Intl.NumberFormat('en-GB');
const compact = new Intl.NumberFormat('en-GB', { notation: 'compact', maximumSignificantDigits: 3 });

/** Every digit: where rows are proved. */
export const exact = (value: number): string => whole.format(value);
/** Three digits from 10,000 on: where many rows stand side by side. */
export const short = (value: number): string => (value < 10_000 ? whole.format(Math.round(value)) : compact.format(value).replace(/([kmbt])n?$/i, (_, unit: string) => `\u2009${unit.toLowerCase() === 'k' ? 'k' : unit.toUpperCase()}`));

/** A length of time for tables: two units at most. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${String(Math.round(seconds % 60)).padStart(2, '0')}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h ${String(minutes % 60).padStart(2, '0')}m` : `${Math.floor(hours / 24)}d`;
}
const clockFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dayFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
/** Hour of an instant, with its day when that is not today. */
export function clock(iso: string, now: number): string {
  const at = new Date(iso);
  const isToday = dayFormat.format(at) === dayFormat.format(now);
  return `${isToday ? '' : `${dayFormat.format(at)} `}${clockFormat.format(at)}`;
}
/** The one zone on screen. */
export const zone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;
