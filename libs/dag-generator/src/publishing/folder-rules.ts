/** Folders of this process, as configured; each may be absent. */
export interface Folders { readonly scheduler: string | null; readonly preview: string | null; readonly root: string | null }

/** Where the file of a plan belongs: the scheduler's folder only when Airflow decides when tasks start, or its cron would fire beside ours.
 * @param named folder that the tenant's policy names
 * @returns null when there is no folder for it; the file is then kept in the database only */
export function folderFor(driver: 'workers' | 'airflow', named: string | undefined, { scheduler, preview, root }: Folders): string | null {
  if (driver === 'workers') return preview;
  if (named === undefined || root === null) return scheduler ?? preview;
  return named.startsWith('/') ? named : `${root.replace(/\/+$/, '')}/${named.replace(/^(?:\.\/+)+/, '')}`;
}
