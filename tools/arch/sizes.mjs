// Lines per file, so that growth is seen: p50, p90, max over our own sources (no generated, golden or migration files).
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const listed = execFileSync('git', ['ls-files', '--', '*.ts', '*.tsx', '*.mjs'], { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean);
const sizes = listed.filter((file) => !/\/(golden|generated|migrations)\//.test(file))
  .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n').length - 1 })).sort((a, b) => a.lines - b.lines);
const at = (share) => sizes[Math.min(sizes.length - 1, Math.floor(sizes.length * share))];
const total = sizes.reduce((sum, { lines }) => sum + lines, 0);
process.stdout.write(`${sizes.length} files, ${total} lines; lines per file: p50 ${at(0.5).lines}, p90 ${at(0.9).lines}, max ${at(1).lines} (${at(1).file})\n`);
