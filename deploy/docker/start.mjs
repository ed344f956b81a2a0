// Starts the one program of this image, as process 1: signals reach it directly. An image that holds the dashboard serves it.
import { existsSync } from 'node:fs';
import { setSourceMapsSupport } from 'node:module';

// Places of our own code in a stack. The flag would look for the maps of a thousand files of packages at every start.
setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
const dashboard = new URL('./dashboard', import.meta.url).pathname;
if (existsSync(dashboard)) process.env.ETL_SERVICE_KIT_STATIC ??= dashboard;
await import('./service/main.js');
