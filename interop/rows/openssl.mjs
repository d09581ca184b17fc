// DTLS alone, over UDP on loopback, against OpenSSL in both roles: certificates of both kinds, pre-shared keys, SRTP
// profiles, cookies; the keying material of both sides has to be the same.
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program, built, certificate } from '../dialogue.mjs';
import { check } from '../table.mjs';

const PEER = built('openssl', 'avocet-openssl-peer');
const KEY = '00112233445566778899aabbccddeeff';
const EXPORT = ['-keymatexport', 'EXTRACTOR-dtls_srtp', '-keymatexportlen', '60'];

// What both sides are told in each case.
function cases(ecdsa, rsa) {
  const shown = ({ key, cert, both }, cipher) => ({
    ours: ['--certificate', both, '--srtp'],
    theirs: ['-cert', cert, '-key', key, '-use_srtp', 'SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80', ...(cipher ? ['-cipher', cipher] : [])],
    srtp: 7,
  });
  const known = (cipher, suite) => ({
    ours: ['--psk', 'lamp', KEY, '--suite', suite],
    theirs: ['-nocert', '-psk_identity', 'lamp', '-psk', KEY, '-cipher', cipher],
    srtp: 0,
    psk: true,
  });
  return {
    ECDSA: shown(ecdsa),
    RSA: shown(rsa),
    'ECDSA, ChaCha20': shown(ecdsa, 'ECDHE-ECDSA-CHACHA20-POLY1305'),
    'ECDSA, CCM': shown(ecdsa, 'ECDHE-ECDSA-AES128-CCM'),
    'key, GCM': known('PSK-AES128-GCM-SHA256', '00a8'),
    'key, CCM_8': known('PSK-AES128-CCM8', 'c0a8'),
    'key, ECDHE': known('ECDHE-PSK-CHACHA20-POLY1305', 'ccac'),
  };
}

async function meet(port, role, { ours, theirs, srtp, psk }) {
  const address = `127.0.0.1:${port}`;
  const options = psk && role === 'server' ? theirs.filter((word) => word !== '-nocert') : theirs;
  const openssl = () => new Program('openssl', role === 'client'
    ? ['s_server', '-dtls1_2', '-listen', '-accept', String(port), '-verify', '1', ...EXPORT, ...options]
    : ['s_client', '-dtls1_2', '-connect', address, ...EXPORT, ...options]);
  const avocet = () => new Program(PEER, [role, address, '--version', '1.2', ...ours]);
  let us, them;
  try {
    if (role === 'client') {
      them = openssl();
      await them.until(/ACCEPT/, 'the server');
      us = avocet();
    } else {
      us = avocet();
      await us.until(/listening/, 'our server');
      them = openssl();
    }
    const [, suite, profile, exported] = await us.until(/connected version=fefd suite=(\w+) srtp=(\d+) certificate=\w+ exported=(\w+)/, 'the connection');
    await them.until(/hello from avocet/, 'our data there');
    them.say('hello from openssl\n');
    await us.until(/received hello from openssl/, 'their data here');
    const [, material] = await them.until(/Keying material: (\w+)/, 'their keying material');
    check(material.toUpperCase() === exported, 'the keying material differs');
    check(Number(profile) === srtp, `srtp profile ${profile}`);
    return { data: 'both', dtls: `fefd ${suite}`, srtp: profile };
  } finally {
    us?.end();
    them?.end();
  }
}

export async function run(table) {
  const folder = mkdtempSync(join(tmpdir(), 'avocet-dtls-'));
  const ecdsa = certificate(folder, 'ecdsa');
  const rsa = certificate(folder, 'rsa', ['-newkey', 'rsa:2048']);
  const version = execFileSync('openssl', ['version'], { encoding: 'utf8' }).split(' ')[1];
  let port = 44300;
  for (const [name, settings] of Object.entries(cases(ecdsa, rsa))) {
    for (const role of ['client', 'server']) {
      await table.row(`OpenSSL, ${name}`, version, role === 'client' ? 'avocet' : 'OpenSSL', () => meet(port, role, settings));
      port += 1;
    }
  }
}
