// Starts the one program of this image, as process 1: signals reach it directly.
await import(`./dist/apps/${process.env.APP}/main.js`);
