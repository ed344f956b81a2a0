// `npm run demo`: installs what is missing, bundles what is stale, shows the product on real data. Starts on the system's Node without any package.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled, root, run } from './install.mjs';

ensureInstalled();
// The dashboard is built once; the demo is complete without it.
if (!existsSync(join(root, 'dist', 'apps', 'dashboard', 'index.html'))) run('nx', ['build', 'dashboard-app', '--output-style=static'], { env: { NX_TUI: 'false' } });
process.exitCode = run(process.execPath, [join(root, 'apps', 'cli', 'bin', 'agent-etl.mjs'), 'demo', ...process.argv.slice(2)]);
