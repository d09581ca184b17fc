// DTLS 1.2 and 1.3 alone, over UDP on loopback, against wolfSSL in both roles: certificates of both sides, data both ways,
// and under 1.3 again with the new keys of wolfSSL; or with connection ids (RFC 9147 §9), by which wolfSSL as client goes on
// from another port; or with a key that both know and no certificate of either (RFC 8446 §4.2.11).
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program, built, certificate } from '../dialogue.mjs';
import { check } from '../table.mjs';

export const slow = true;

const OURS = built('openssl', 'avocet-openssl-peer');
const THEIRS = built('wolfssl', 'avocet-wolfssl-peer');

// `ids`: the lengths of the connection ids that lead to us and to wolfSSL, if there are any.
async function meet({ key, cert, both }, port, role, version, ids, moves) {
  const address = `127.0.0.1:${port}`;
  const us = () => new Program(OURS, [role, address, '--version', version, '--certificate', both, ...(ids ? ['--connection-id', String(ids[0])] : ['--twice'])]);
  const them = () => new Program(THEIRS, [role === 'client' ? 'server' : 'client', address, cert, key, version, ...(ids ? [String(ids[1])] : []), ...(moves ? ['move'] : [])]);
  const server = role === 'client' ? them() : us();
  let client;
  try {
    await server.until(/listening/, 'the server');
    client = role === 'client' ? us() : them();
    const [a, b] = role === 'client' ? [client, server] : [server, client];
    const [, suite] = await a.until(/connected version=\w+ suite=(\w+)/, 'our handshake');
    check(a.output.includes(version === '1.3' ? 'version=fefc' : 'version=fefd'), 'another version');
    await b.until(ids ? new RegExp(`connected 1.3 ids of ${ids[0]}`) : /connected/, 'the handshake of wolfSSL');
    for (const word of ['hello', 'again']) {
      await a.until(new RegExp(`received ${word} from wolfssl`), `${word} of wolfSSL`);
      await b.until(new RegExp(`received ${word} from avocet`), `our ${word}`);
    }
    if (moves) await a.until(/moved/, 'a new path');
    return { data: moves ? 'from another port' : 'both', dtls: suite };
  } finally {
    server.end();
    client?.end();
  }
}

// The key "lamp" of 32 bytes, which wolfSSL knows by itself.
const KEY = Array.from({ length: 32 }, (_, at) => at.toString(16).padStart(2, '0')).join('');

async function meetByKey({ key, cert }, port, role, known) {
  const address = `127.0.0.1:${port}`;
  const us = () => new Program(OURS, [role, address, '--version', '1.3', '--psk', 'lamp', known, '--twice']);
  const them = () => new Program(THEIRS, [role === 'client' ? 'server' : 'client', address, cert, key, '1.3', 'known']);
  const server = role === 'client' ? them() : us();
  let client;
  try {
    await server.until(/listening/, 'the server');
    client = role === 'client' ? us() : them();
    const [a, b] = role === 'client' ? [client, server] : [server, client];
    const [, suite] = await a.until(/connected version=fefc suite=(\w+) srtp=0 certificate=false/, 'our handshake without a certificate');
    await b.until(/connected 1.3 with a key/, 'the handshake of wolfSSL');
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
  const files = certificate(mkdtempSync(join(tmpdir(), 'avocet-wolfssl-')), 'wolfssl');
  let port = 24_800;
  for (const role of ['client', 'server']) {
    const row = (name, version, ids, moves) => table.row(`DTLS, wolfSSL${name}`, version, `avocet is ${role}`, () => meet(files, port++, role, version, ids, moves));
    await row('', '1.2');
    await row('', '1.3');
    await table.row('DTLS, wolfSSL: a known key', '1.3', `avocet is ${role}`, () => meetByKey(files, port++, role, KEY));
    await row(': connection ids', '1.3', [4, 8]);
    await row(': connection ids of the server alone', '1.3', role === 'client' ? [0, 8] : [8, 0]);
    if (role === 'server') await row(': connection ids, the client moves', '1.3', [4, 8], true);
  }
}
