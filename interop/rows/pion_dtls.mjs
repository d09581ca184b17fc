// DTLS 1.2 alone, over UDP on loopback, against Pion in both roles: keying material, and connection ids (RFC 9146) by which
// either side goes on from another port.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program, built, certificate } from '../dialogue.mjs';
import { check } from '../table.mjs';

export const slow = true;

const OURS = built('openssl', 'avocet-openssl-peer');
const THEIRS = fileURLToPath(new URL('../build/pion_dtls', import.meta.url));

// `ids`: the lengths of the connection ids that lead to us and to Pion, if there are any.
async function meet({ key, cert, both }, port, role, ids, moves) {
  const address = `127.0.0.1:${port}`;
  const ours = [role, address, '--version', '1.2', '--certificate', both, '--srtp'];
  const theirs = [role === 'client' ? 'server' : 'client', address, cert, key];
  if (ids) {
    ours.push('--connection-id', String(ids[0]));
    theirs.push('-cid', String(ids[1]));
  }
  if (moves) (role === 'client' ? ours : theirs).push(role === 'client' ? '--move' : '-move');
  const us = () => new Program(OURS, ours);
  const them = () => new Program(THEIRS, theirs);
  const server = role === 'client' ? them() : us();
  let client;
  try {
    await server.until(/listening/, 'the server');
    client = role === 'client' ? us() : them();
    const [a, b] = role === 'client' ? [client, server] : [server, client];
    const [, our] = await a.until(/exported=(\w+)/, 'our handshake');
    const [, their] = await b.until(/exported=(\w+)/, 'the handshake of Pion');
    check(our.toLowerCase() === their.toLowerCase(), 'the keying material differs');
    check(/version=fefd/.test(a.output) && /srtp=7/.test(a.output), `another choice: ${a.output}`);
    await a.until(/received hello from pion/, 'what Pion says');
    await b.until(/received hello from avocet/, 'what we say');
    if (!ids) return { data: 'hello' };
    await a.until(/received again from pion/, 'what Pion says next');
    await b.until(/received again from avocet/, 'what we say next');
    if (moves && role === 'server') await a.until(/moved/, 'a new path');
    return { data: moves ? 'from another port' : 'again' };
  } finally {
    server.end();
    client?.end();
  }
}

export async function run(table) {
  const files = certificate(mkdtempSync(join(tmpdir(), 'avocet-pion-')), 'pion');
  let port = 24_700;
  for (const role of ['client', 'server']) {
    const row = (name, ids, moves) => table.row(`DTLS, Pion: ${name}`, '1.2', `avocet is ${role}`, () => meet(files, port++, role, ids, moves));
    await row('ECDSA');
    await row('connection ids', [4, 8]);
    await row('connection ids of the server alone', role === 'client' ? [0, 8] : [8, 0]);
    await row('connection ids, the client moves', [4, 8], true);
  }
}
