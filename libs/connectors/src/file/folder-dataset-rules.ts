import { formatOf } from './file-format-rules.ts';
import { NO_VALUE } from './partition-names-rules.ts';

// Files below a folder that are one dataset: `events/` is all of them, `events/**/*.parquet` those with one ending.
export interface FolderDataset { readonly folder: string; readonly ending: string | null }
const PATTERN = /^(?:(.+)\/)?\*\*\/\*(\.[A-Za-z0-9.]+)$/;

/** What a dataset's name says of a folder, or null when it names one file. */
export function folderDataset(dataset: string): FolderDataset | null {
  const [, folder = '', ending] = PATTERN.exec(dataset) ?? [];
  if (ending !== undefined && formatOf(`x${ending}`)) return { folder, ending: ending.toLowerCase() };
  return dataset.endsWith('/') && dataset.length > 1 ? { folder: dataset.replace(/\/+$/, ''), ending: null } : null;
}

/** Whether the last part of a name has no ending: as a target it is a folder, as a source one that a run of ours has written. */
export const isPlainName = (dataset: string): boolean => /^(?:.*\/)?[^/.]+$/.test(dataset);
/** The folder that a target's name means, with the ending of its parts; null when it names one file. */
export function folderTarget(dataset: string): { readonly folder: string; readonly ending: string } | null {
  const found = folderDataset(dataset);
  if (found) return { folder: found.folder, ending: found.ending ?? '.parquet' };
  return isPlainName(dataset) ? { folder: dataset, ending: '.parquet' } : null;
}

/** One file of a folder: its name below the folder, and what the folders on the way say, in their order. */
export interface Partitioned { readonly keys: readonly string[]; readonly values: readonly (string | null)[] }

/** What `year=2024/month=1/a.parquet` says of its rows: year and month. Other folders say nothing. */
export function partitionsOf(name: string): Partitioned {
  const parts = name.split('/').slice(0, -1).filter((folder) => folder.indexOf('=') > 0).map((folder) => [folder.slice(0, folder.indexOf('=')), folder.slice(folder.indexOf('=') + 1)] as const);
  return { keys: parts.map(([key]) => decoded(key)), values: parts.map(([, value]) => (value === NO_VALUE ? null : decoded(value))) };
}
/** Writers of such folders spell what a file system takes no name for in percent. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const INTEGER = /^-?(0|[1-9][0-9]{0,17})$/;
const DAY = /^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$/;
/** The type that keeps every value of a partition as it is written: whole numbers, days, or text. */
export function partitionType(values: readonly (string | null)[]): 'BIGINT' | 'DATE' | 'VARCHAR' {
  const there = values.filter((value) => value !== null);
  if (!there.length) return 'VARCHAR';
  if (there.every((value) => INTEGER.test(value))) return 'BIGINT';
  return there.every((value) => DAY.test(value)) ? 'DATE' : 'VARCHAR';
}
