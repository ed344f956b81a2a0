// Starts the one program of this image, as process 1: signals reach it directly. The monitor serves the dashboard; standalone finds it by itself.
if (process.env.APP === 'monitor') process.env.ETL_SERVICE_KIT_STATIC ??= new URL('./dist/apps/dashboard', import.meta.url).pathname;
await import(`./dist/apps/${process.env.APP}/main.js`);
