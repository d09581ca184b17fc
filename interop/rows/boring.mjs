// DTLS 1.2 and 1.3 alone, over UDP on loopback, against BoringSSL in both roles: certificates of both sides, an SRTP profile and
// the same keying material; a client of 1.3 comes back to BoringSSL by its ticket (RFC 8446 §4.6.1).
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program, built, certificate } from '../dialogue.mjs';
import { check } from '../table.mjs';

export const slow = true;

const OURS = built('openssl', 'avocet-openssl-peer');
const THEIRS = built('boring', 'avocet-boring-peer');

async function meet({ key, cert, both }, port, role, version) {
  const address = `127.0.0.1:${port}`;
  const resumes = role === 'client' && version === '1.3';
  const us = () => new Program(OURS, [role, address, '--version', version, '--certificate', both, '--srtp', ...(resumes ? ['--resume'] : [])]);
  const them = () => new Program(THEIRS, [role === 'client' ? 'server' : 'client', address, cert, key, version]);
  const server = role === 'client' ? them() : us();
  let client;
  try {
    await server.until(/listening/, 'the server');
    client = role === 'client' ? us() : them();
    const [a, b] = role === 'client' ? [client, server] : [server, client];
    if (resumes) {
      await a.until(/resumed/, 'our second connection');
      await b.until(/resumed=true[^]*received/, 'the second connection of BoringSSL');
    }
    await a.until(/received hello from boring/, 'what BoringSSL says');
    await b.until(/received hello from avocet/, 'what we say');
    const [, suite, profile] = a.output.match(/connected version=\w+ suite=(\w+) srtp=(\d+)/);
    check(a.output.includes(version === '1.3' ? 'version=fefc' : 'version=fefd'), 'another version');
    const material = ({ output }) => [...output.matchAll(/exported=(\w+)/g)].map(([, hex]) => hex).join();
    check(material(a) === material(b), 'the keying material differs');
    return { data: resumes ? 'both, twice' : 'both', dtls: suite, srtp: profile };
  } finally {
    server.end();
    client?.end();
  }
}

export async function run(table) {
  const files = certificate(mkdtempSync(join(tmpdir(), 'avocet-boring-')), 'boring');
  let port = 25_000;
  for (const version of ['1.2', '1.3']) {
    for (const role of ['client', 'server']) {
      await table.row('DTLS, BoringSSL', version, `avocet is ${role}`, () => meet(files, port++, role, version));
    }
  }
}
