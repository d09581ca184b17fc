// Our TURN client against coturn: every way to the server, both kinds of credentials, both families, refreshes, the
// race where UDP is dropped, certificates, connections through the server (RFC 6062), allocations that move (RFC 8016),
// and browsers that reach us at a relay.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Call } from '../call.mjs';
import { binary, startProgram } from '../program.mjs';
import { check } from '../table.mjs';

const execute = promisify(execFile);
const HOST = '10.66.0.1';
const HOST_6 = 'fd66::1';
const USER = 'alice';
const PASSWORD = 'a word for alice';
const SECRET = 'shared by two servers';

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// A server on a port of its own, and the next one for TLS.
class Coturn {
  output = '';

  constructor(folder, port, options) {
    this.child = spawn('turnserver', [
      '-n', '--no-cli', '--fingerprint', '--realm=example.org', '--log-file=stdout', `--pidfile=${folder}/${port}.pid`,
      `--listening-ip=${HOST}`, `--listening-ip=${HOST_6}`, `--relay-ip=${HOST}`, `--relay-ip=${HOST_6}`,
      `--listening-port=${port}`, `--tls-listening-port=${port + 1}`, `--cert=${folder}/cert.pem`, `--pkey=${folder}/key.pem`,
      `--userdb=${folder}/${port}.db`, ...options,
    ], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (text) => { this.output += text; });
    this.child.on('error', (error) => { this.output += error.message; });
  }

  // It listens once a TCP connection is taken.
  async started(port) {
    for (let waited = 0; waited < 100; waited += 1) {
      try {
        execFileSync('bash', ['-c', `exec 3<>/dev/tcp/${HOST}/${port}`], { stdio: 'ignore' });
        return;
      } catch { await pause(50); }
    }
    throw new Error(`coturn did not start: ${this.output.slice(-400)}`);
  }

  end() {
    this.child.kill('SIGKILL');
  }
}

// Every way to a server on this port and the next one.
const waysTo = (port) => ({
  UDP: `turn:${HOST}:${port}`,
  TCP: `turn:${HOST}:${port}?transport=tcp`,
  TLS: `turns:${HOST}:${port + 1}`,
  DTLS: `turns:${HOST}:${port + 1}?transport=udp`,
});

// Draft of the TURN REST API: the name says until when it is good, the word is its HMAC.
function timeLimited() {
  const user = `${Math.floor(Date.now() / 1000) + 3600}:${USER}`;
  return [user, createHmac('sha1', SECRET).update(user).digest('base64')];
}

async function turnCheck(folder, uris, { user = USER, password = PASSWORD, root = 'root.pem', count = 200, more = [] }) {
  const { stdout } = await execute(binary('turn_check'), [
    '--user', user, '--password', password, '--root', `${folder}/${root}`, '--count', String(count), ...more, ...uris,
  ], { timeout: 60_000 });
  return JSON.parse(stdout);
}

// Two of our peers through the server, and nothing else.
async function talk(folder, uris, options = {}) {
  const { count = 200 } = options;
  const report = await turnCheck(folder, uris, options);
  check(report.received.every((received) => received === count), `${report.received} of ${count} datagrams arrived`);
  return report;
}

const cells = (report) => ({ data: `${report.sent} both ways`, 'first frame': `${report.connectedSeconds.toFixed(2)} s` });

// The browser reaches us at the relay and nowhere else.
async function browserCall(browser, folder, uri, [user, password] = [USER, PASSWORD]) {
  const program = await startProgram([
    '--relay', '--turn', uri, '--turn-user', user, '--turn-password', password, '--turn-root', `${folder}/root.pem`,
  ]);
  try {
    const call = await Call.open(browser, program.url, '');
    try {
      const first = await call.until((seen) => seen.framesDecoded > 10 && seen.audioPackets > 10, 30);
      await call.say('hello, program');
      const seen = await call.until(({ received }) => received.includes('hello, program'), 40);
      const ours = await program.stats(seen.id);
      check(ours.relay, 'the path is not the relay');
      check(ours.videoPacketsReceived > 0 && ours.srtpFailures === 0, `no packets here: ${JSON.stringify(ours)}`);
      return { video: 'both', audio: 'both', data: 'echo', dtls: ours.dtlsVersion, srtp: ours.srtpProfile, 'first frame': `${first.waited.toFixed(2)} s` };
    } finally {
      await call.close();
    }
  } finally {
    await program.stop();
  }
}

// A root, one that it vouches for, and from the latter the certificate of the server, which shows both: whoever looks at
// the last one alone finds no way to the root. And another root.
function certificates(folder) {
  const openssl = (...options) => execFileSync('openssl', options, { stdio: 'ignore', cwd: folder });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const authority = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'];
  for (const name of ['root', 'other']) {
    openssl('req', '-x509', ...key, '-days', '2', '-subj', `/CN=${name}`, ...authority, '-keyout', `${name}.key`, '-out', `${name}.pem`);
  }
  const issued = (name, issuer, extensions, serial) => {
    writeFileSync(`${folder}/${name}.ext`, extensions);
    openssl('req', ...key, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-set_serial', String(serial),
      '-days', '2', '-extfile', `${name}.ext`, '-out', `${name}.pem`);
  };
  issued('between', 'root', 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n', 2);
  issued('server', 'between', `basicConstraints=critical,CA:FALSE\nsubjectAltName=IP:${HOST},IP:${HOST_6}\n`, 3);
  const text = ['server.pem', 'between.pem'].map((name) => readFileSync(`${folder}/${name}`, 'utf8')).join('');
  writeFileSync(`${folder}/cert.pem`, text);
  renameSync(`${folder}/server.key`, `${folder}/key.pem`);
}

// No datagram reaches the server's port; between relays they pass.
async function withoutUdp(run) {
  execFileSync('nft', ['-f', '-'], {
    input: `table inet noudp {
      chain in {
        type filter hook input priority 0;
        udp dport { 3478, 3479 } drop
      }
    }`,
  });
  try {
    return await run();
  } finally {
    execFileSync('nft', ['delete', 'table', 'inet', 'noudp']);
  }
}

export async function run(table, open) {
  const folder = mkdtempSync(join(tmpdir(), 'avocet-turn-'));
  certificates(folder);
  const longTerm = new Coturn(folder, 3478, ['--lt-cred-mech', `--user=${USER}:${PASSWORD}`, '--mobility']);
  const rest = new Coturn(folder, 3488, ['--use-auth-secret', `--static-auth-secret=${SECRET}`]);
  // It forgets in three seconds what is not asked for again, and a thousand datagrams take five.
  const hasty = new Coturn(folder, 3498, [
    '--lt-cred-mech', `--user=${USER}:${PASSWORD}`, '--permission-lifetime=3', '--channel-lifetime=3',
  ]);
  try {
    await longTerm.started(3478);
    await rest.started(3488);
    await hasty.started(3498);
    const ways = waysTo(3478);
    for (const [name, uri] of Object.entries(ways)) {
      await table.row(`coturn, ${name}`, '4.6', 'us', async () => {
        const report = await talk(folder, [uri]);
        check(report.relays.flat().every((relay) => relay.transport.toUpperCase() === name), 'another way was taken');
        return cells(report);
      });
    }
    for (const name of ['TLS', 'DTLS']) {
      await table.row(`coturn, ${name}, another root`, '4.6', 'us', async () => {
        const failed = await talk(folder, [ways[name]], { root: 'other.pem' }).then(() => false, () => true);
        check(failed, 'a certificate was believed that nobody vouches for');
        return {};
      });
    }
    await table.row('coturn, connections of TCP', '4.6', 'us', async () => {
      const report = await turnCheck(folder, [ways.TCP], { more: ['--connections'] });
      return { data: `${report.connections} × ${report.bytesEachWay >> 20} MiB both ways` };
    });
    await table.row('coturn, moves', '4.6', 'us', async () => {
      const report = await turnCheck(folder, [ways.UDP], { count: 50, more: ['--move'] });
      check(report.returned === report.sent, `${report.returned} of ${report.sent} returned`);
      return { data: `${report.sent} and back, ${report.moves} moves` };
    });
    for (const [name, uri] of Object.entries(waysTo(3488))) {
      await table.row(`coturn, ${name}, time-limited`, '4.6', 'us', async () => {
        const [user, password] = timeLimited();
        return cells(await talk(folder, [uri], { user, password }));
      });
    }
    await table.row('coturn, wrong password', '4.6', 'us', async () => {
      const failed = await talk(folder, [ways.UDP], { password: 'another' }).then(() => false, () => true);
      check(failed, 'it was let in');
      return {};
    });
    await table.row('coturn, 1,000 datagrams across refreshes', '4.6', 'us', async () => {
      const report = await talk(folder, [waysTo(3498).UDP], { count: 1000, more: ['--refresh', '1'] });
      check(report.sent === 1000 && report.relays.every((relays) => relays.length === 1), `not one relay each: ${JSON.stringify(report)}`);
      for (const relay of report.relays.flat()) {
        check(relay.permissionsGranted >= 4 && relay.channelsGranted >= 4, `not refreshed: ${JSON.stringify(relay)}`);
      }
      return cells(report);
    });
    // The same without refreshes: what the row above shows is owed to them.
    await table.row('coturn, 1,000 datagrams, not refreshed', '4.6', 'us', async () => {
      const report = await turnCheck(folder, [waysTo(3498).UDP], { count: 1000 }).catch((error) => ({ error: error.message }));
      const [first, second] = report.received || [0, 0];
      check(first < 1000 && second < 1000, `nothing was lost: ${JSON.stringify(report)}`);
      return { data: report.error ? 'ended' : `${first} and ${second} of 1000` };
    });
    await table.row('coturn, IPv6', '4.6', 'us', async () => {
      const report = await talk(folder, [`turn:[${HOST_6}]`], { more: ['--ipv6'] });
      check(report.relays.flat().every(({ relayed }) => relayed.some((it) => it.startsWith('['))), `no IPv6 address on the relay: ${JSON.stringify(report.relays)}`);
      return cells(report);
    });
    await table.row('coturn, race without UDP', '4.6', 'us', () => withoutUdp(async () => {
      const report = await talk(folder, [ways.UDP, ways.DTLS, ways.TCP, ways.TLS]);
      const used = report.relays.flat().filter(({ relayed }) => relayed.length > 0);
      check(used.length === 2 && used.every(({ transport }) => transport === 'Tcp'), `TCP did not win: ${JSON.stringify(used)}`);
      return cells(report);
    }));
    // A whole call, with sound and pictures, on each way and with each kind of credentials; Firefox on the two ways in the clear.
    const rests = waysTo(3488);
    for (const [name, kinds] of [['chromium', ['UDP', 'TCP', 'TLS', 'DTLS']], ['firefox', ['UDP', 'TCP']]]) {
      const browser = await open(name);
      for (const way of kinds) {
        await table.row(`${name}, we at coturn, ${way}`, '-', name, () => browserCall(browser, folder, ways[way]));
      }
      if (name === 'chromium') {
        // All at once: what is asked is whether each way takes the other kind of credentials.
        await Promise.all(kinds.map((way) => table.row(
          `${name}, we at coturn, ${way}, time-limited`, '-', name, () => browserCall(browser, folder, rests[way], timeLimited()),
        )));
      }
    }
  } finally {
    longTerm.end();
    hasty.end();
    rest.end();
    rmSync(folder, { recursive: true, force: true });
  }
}
