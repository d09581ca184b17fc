// DTLS 1.2 alone, over UDP on loopback, against Mbed TLS in both roles: certificates of both sides, of either kind, a cookie
// from whoever is the server, data both ways.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program, built, certificate } from '../dialogue.mjs';

export const slow = true;

const OURS = built('openssl', 'avocet-openssl-peer');
const THEIRS = built('mbedtls', 'avocet-mbedtls-peer');

async function meet({ key, cert, both }, port, role) {
  const address = `127.0.0.1:${port}`;
  const us = () => new Program(OURS, [role, address, '--version', '1.2', '--certificate', both]);
  const them = () => new Program(THEIRS, [role === 'client' ? 'server' : 'client', address, cert, key]);
  const server = role === 'client' ? them() : us();
  let client;
  try {
    await server.until(/listening/, 'the server');
    client = role === 'client' ? us() : them();
    const [a, b] = role === 'client' ? [client, server] : [server, client];
    const [, suite] = await a.until(/connected version=fefd suite=(\w+) srtp=0 certificate=true/, 'our handshake');
    await a.until(/received hello from mbedtls/, 'what Mbed TLS says');
    await b.until(/received hello from avocet/, 'what we say');
    return { data: 'both', dtls: `fefd ${suite}` };
  } finally {
    server.end();
    client?.end();
  }
}

export async function run(table) {
  const folder = mkdtempSync(join(tmpdir(), 'avocet-mbedtls-'));
  const kinds = { ECDSA: certificate(folder, 'ecdsa'), RSA: certificate(folder, 'rsa', ['-newkey', 'rsa:2048']) };
  let port = 25_100;
  for (const [name, files] of Object.entries(kinds)) {
    for (const role of ['client', 'server']) {
      await table.row(`DTLS, Mbed TLS: ${name}`, '2.28', `avocet is ${role}`, () => meet(files, port++, role));
    }
  }
}
