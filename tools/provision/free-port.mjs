import { createServer } from 'node:net';

/** A port on loopback that was free a moment ago. */
export const freePort = () => new Promise((done, fail) => {
  const server = createServer().once('error', fail).listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});
