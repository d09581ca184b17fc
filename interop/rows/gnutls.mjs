// DTLS 1.2 alone, over UDP on loopback, against GnuTLS in both roles: certificates of both sides, or a key that both know;
// as client GnuTLS tells the keying material, which has to be the same, as server it sends back what it hears.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program, built, certificate } from '../dialogue.mjs';
import { check } from '../table.mjs';

const PEER = built('openssl', 'avocet-openssl-peer');
const KEY = '00112233445566778899aabbccddeeff';

// What both sides are told in each case.
function cases(folder) {
  const shown = ({ key, cert, both }) => ({
    ours: ['--certificate', both, '--srtp'],
    theirs: ['--x509certfile', cert, '--x509keyfile', key, '--srtp-profiles', 'SRTP_AES128_CM_HMAC_SHA1_80'],
    server: ['--require-client-cert'],
    client: ['--insecure'],
    srtp: 1,
  });
  const known = (suite, exchange, roles) => {
    const keys = join(folder, 'keys');
    writeFileSync(keys, `lamp:${KEY}\n`);
    return {
      ours: ['--psk', 'lamp', KEY, '--suite', suite],
      theirs: ['--priority', `NORMAL:-KX-ALL:+${exchange}`],
      server: ['--pskpasswd', keys],
      client: ['--pskusername', 'lamp', '--pskkey', KEY],
      srtp: 0,
      roles,
    };
  };
  return {
    ECDSA: shown(certificate(folder, 'ecdsa')),
    RSA: shown(certificate(folder, 'rsa', ['-newkey', 'rsa:2048'])),
    key: known('00a8', 'PSK'),
    'key, ECDHE': known('ccac', 'ECDHE-PSK', ['client']),
  };
}

async function meet(port, role, { ours, theirs, server, client, srtp }) {
  const us = () => new Program(PEER, [role, `127.0.0.1:${port}`, '--version', '1.2', ...ours]);
  const peers = [];
  const begin = (program) => { peers.push(program); return program; };
  try {
    let our;
    if (role === 'client') {
      const them = begin(new Program('gnutls-serv', ['--udp', '--echo', '-p', String(port), ...theirs, ...server]));
      await them.until(/listening on IPv4/, 'the server');
      our = begin(us());
      await our.until(/received hello from avocet/, 'our own words');
    } else {
      our = begin(us());
      await our.until(/listening/, 'our server');
      const them = begin(new Program('gnutls-cli', ['--udp', '-p', String(port), '--keymatexport', 'EXTRACTOR-dtls_srtp', '--keymatexportsize', '60', ...theirs, ...client, '127.0.0.1']));
      await them.until(/hello from avocet/, 'our data there');
      them.say('hello from gnutls\n');
      await our.until(/received hello from gnutls/, 'their data here');
      const [, material] = await them.until(/Key material: (\w+)/, 'their keying material');
      check(our.output.includes(`exported=${material.toUpperCase()}`), 'the keying material differs');
    }
    const [, suite, profile] = await our.until(/connected version=fefd suite=(\w+) srtp=(\d+)/, 'the connection');
    check(Number(profile) === srtp, `srtp profile ${profile}`);
    return { data: role === 'client' ? 'echo' : 'both', dtls: `fefd ${suite}`, srtp: profile };
  } finally {
    for (const program of peers) program.end();
  }
}

export async function run(table) {
  const folder = mkdtempSync(join(tmpdir(), 'avocet-gnutls-'));
  const version = execFileSync('gnutls-cli', ['--version'], { encoding: 'utf8' }).match(/[\d.]+/)[0];
  let port = 24_900;
  for (const [name, settings] of Object.entries(cases(folder))) {
    for (const role of settings.roles ?? ['client', 'server']) {
      await table.row(`DTLS, GnuTLS: ${name}`, version, `avocet is ${role}`, () => meet(port++, role, settings));
    }
  }
}
