/** 2984094 as 2,984,094. */
export const grouped = (count: number): string => String(Math.trunc(count)).replaceAll(/\B(?=(\d{3})+(?!\d))/g, ',');

/** A speed in three digits: 950, 17.3 k, 1.6 M. */
export function compact(perSecond: number): string {
  if (perSecond < 1000) return String(Math.round(perSecond));
  const [value, unit] = perSecond < 1_000_000 ? [perSecond / 1000, 'k'] : [perSecond / 1_000_000, 'M'];
  return `${value < 100 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}
/** Bytes in three digits, powers of 1024. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) { value /= 1024; unit += 1; }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
/** Milliseconds as a person says them: 0.4 s, 12.9 s, 3 min 20 s, 2 h 5 min. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
/** Milliseconds between two ISO instants. */
export const betweenMs = (from: string | null, to: string | null): number => (from && to ? Date.parse(to) - Date.parse(from) : 0);
/** How far ahead, in one unit. */
export const inText = (iso: string | null, nowMs: number): string => (iso ? `in ${agoText(new Date(nowMs).toISOString(), Date.parse(iso)).replace(/ ago$/, '')}` : '');
/** How long ago, in one unit. */
export function agoText(iso: string | null, nowMs: number): string {
  if (!iso) return '';
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(iso)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}
