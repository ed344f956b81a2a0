// `npm run proof -- typecheck`: every project type checks.
import { run } from '../install.mjs';
import { others, wholeConfig } from './whole-types.mjs';

const status = run('tsc', ['-p', wholeConfig()]) || run('nx', ['run-many', '-t', 'typecheck', '-p', others.join(','), '--output-style=static']);
process.exit(status);
