// Certificates for servers that tests start.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** A certificate for localhost by an authority of its own, or null where there is no openssl. @returns paths of the three files in the folder */
export function certificate(folder) {
  const at = (name) => join(folder, name);
  const openssl = (...args) => spawnSync('openssl', args, { cwd: folder, stdio: 'ignore' }).status === 0;
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const isMade = openssl('req', '-x509', ...key, '-days', '2', '-subj', '/CN=test authority', '-keyout', 'ca.key', '-out', 'ca.crt')
    && openssl('req', ...key, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', 'server.key', '-out', 'server.csr')
    && openssl('x509', '-req', '-in', 'server.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-copy_extensions', 'copy', '-out', 'server.crt');
  return isMade ? { ca: at('ca.crt'), cert: at('server.crt'), key: at('server.key') } : null;
}
