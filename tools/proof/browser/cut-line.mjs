// A line between browser and server that can be cut: what a lost network looks like from both ends.
import { connect, createServer } from 'node:net';

/** Forwards a free port of loopback to `port`. `cut` ends every connection and refuses new ones until `mend`. */
export async function cutLine(port) {
  const open = new Set();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) { near.destroy(); return; }
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => { open.delete(socket); near.destroy(); far.destroy(); });
    }
    near.pipe(far).pipe(near);
  });
  await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
  const cut = () => { isCut = true; for (const socket of open) socket.destroy(); };
  return { url: `http://127.0.0.1:${server.address().port}`, cut, mend: () => { isCut = false; }, stop: () => { cut(); server.close(); } };
}
