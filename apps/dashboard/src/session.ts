const KEY = 'agent-etl-token';

/** The bearer that came behind `#token=` in the address: kept for this tab, taken out of the address bar and its history. */
export function takeToken(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem(KEY);
}
export const token: string | null = takeToken();
