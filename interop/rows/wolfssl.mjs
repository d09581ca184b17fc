// DTLS 1.2 and 1.3 alone, over UDP on loopback, against wolfSSL in both roles: certificates of both sides, data both ways,
// and under 1.3 again with the new keys of wolfSSL.
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check } from '../table.mjs';

export const slow = true;

const built = (name, folder) => join(process.env.CARGO_TARGET_DIR ?? new URL(`../peers/${folder}/target`, import.meta.url).pathname, `debug/${name}`);
const OURS = built('avocet-openssl-peer', 'openssl');
const THEIRS = built('avocet-wolfssl-peer', 'wolfssl');

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

class Program {
  output = '';

  constructor(path, args) {
    this.child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (text) => { this.output += text; });
    this.child.on('error', (error) => { this.output += error.message; });
  }

  async until(pattern, what) {
    for (let waited = 0; waited < 15; waited += 0.05) {
      const found = this.output.match(pattern);
      if (found) return found;
      await pause(0.05);
    }
    throw new Error(`${what} did not come: ${this.output.slice(-400)}`);
  }

  end() {
    this.child.kill('SIGKILL');
  }
}

async function meet(folder, port, role, version) {
  const address = `127.0.0.1:${port}`;
  const [key, cert, both] = ['key', 'crt', 'pem'].map((ending) => join(folder, ending));
  const us = () => new Program(OURS, [role, address, '--version', version, '--certificate', both, '--twice']);
  const them = () => new Program(THEIRS, [role === 'client' ? 'server' : 'client', address, cert, key, version]);
  const server = role === 'client' ? them() : us();
  let client;
  try {
    await server.until(/listening/, 'the server');
    client = role === 'client' ? us() : them();
    const [a, b] = role === 'client' ? [client, server] : [server, client];
    const [, suite] = await a.until(/connected version=\w+ suite=(\w+)/, 'our handshake');
    check(a.output.includes(version === '1.3' ? 'version=fefc' : 'version=fefd'), 'another version');
    await b.until(/connected/, 'the handshake of wolfSSL');
    for (const word of ['hello', 'again']) {
      await a.until(new RegExp(`received ${word} from wolfssl`), `${word} of wolfSSL`);
      await b.until(new RegExp(`received ${word} from avocet`), `our ${word}`);
    }
    return { data: 'both', dtls: suite };
  } finally {
    server.end();
    client?.end();
  }
}

export async function run(table) {
  const folder = mkdtempSync(join(tmpdir(), 'avocet-wolfssl-'));
  const [key, cert, both] = ['key', 'crt', 'pem'].map((ending) => join(folder, ending));
  const options = ['req', '-x509', '-nodes', '-days', '2', '-subj', '/CN=interop', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  execFileSync('openssl', [...options, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  writeFileSync(both, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'));
  let port = 24_800;
  for (const version of ['1.2', '1.3']) {
    for (const role of ['client', 'server']) {
      await table.row('DTLS, wolfSSL', version, `avocet is ${role}`, () => meet(folder, port++, role, version));
    }
  }
}
