// Our TURN server: coturn's client on every way and with both kinds of credentials, browsers that have nothing but the relay, our
// own client, and what the server says of itself.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { once } from 'node:events';
import { launch } from '../browsers.mjs';
import { binary } from '../program.mjs';
import { check } from '../table.mjs';

const execute = promisify(execFile);
export const HOST = '10.66.0.1';
const HOST_6 = 'fd66::1';
export const [UDP, TLS, PEER] = [4478, 4479, 4490];
export const USER = 'alice';
export const PASSWORD = 'a word for alice';
const SECRET = 'shared by two servers';

const configuration = (folder) => `
realm = "example.org"
shards = 2
metrics = "127.0.0.1:0"
drain_seconds = 5

${['udp', 'tcp'].map((transport) => [HOST, `[${HOST_6}]`].map((host) => `[[listen]]\ntransport = "${transport}"\naddress = "${host}:${UDP}"`).join('\n')).join('\n')}
${['tls', 'dtls'].map((transport) => `[[listen]]\ntransport = "${transport}"\naddress = "${HOST}:${TLS}"`).join('\n')}

[[relay]]
address = "${HOST}"
[[relay]]
address = "${HOST_6}"

[tls]
certificate = "${folder}/cert.pem"
key = "${folder}/key.pem"

[users]
${USER} = "${PASSWORD}"
[[secret]]
value = "${SECRET}"

[peers]
allow = ["10.66.0.0/24", "fd66::/64"]

[limits]
allocations_per_user = 100
`;

export class Server {
  static async start(folder) {
    execFileSync('openssl', [
      'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=turn.test',
      '-keyout', `${folder}/key.pem`, '-out', `${folder}/cert.pem`, '-addext', 'basicConstraints=critical,CA:FALSE',
      '-addext', `subjectAltName=IP:${HOST}`,
    ], { stdio: 'ignore' });
    writeFileSync(`${folder}/turn.toml`, configuration(folder));
    return Server.run(`${folder}/turn.toml`);
  }

  static async run(file) {
    const server = new Server();
    server.child = spawn(binary('turn_server'), [file], { stdio: ['ignore', 'pipe', 'inherit'] });
    server.ended = once(server.child, 'close');
    server.lines = [];
    await new Promise((resolve, reject) => {
      createInterface({ input: server.child.stdout }).on('line', (line) => {
        server.lines.push(line);
        if (line === 'ready') resolve();
      }).on('close', () => reject(new Error('the server ended before it was ready')));
    });
    server.metrics = server.lines.find((line) => line.startsWith('http'));
    return server;
  }

  // The counters by name and labels.
  async counters() {
    const text = await (await fetch(this.metrics)).text();
    return Object.fromEntries(text.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }));
  }
}

// coturn's client, and coturn's peer that says everything back. It takes channel numbers that RFC 8656 took back, so it is told
// to use indications.
async function uclient(options, { credentials = ['-w', PASSWORD], port = UDP, enough = 100 } = {}) {
  const { stdout } = await execute('turnutils_uclient', [
    ...options, '-u', USER, ...credentials, '-c', '-s', '-m', '1', '-n', '100', '-z', '5', '-e', HOST, '-r', String(PEER), '-p', String(port), HOST,
  ], { timeout: 60_000 });
  const totals = [...stdout.matchAll(/tot_send_msgs=(\d+), tot_recv_msgs=(\d+)/g)].at(-1);
  const [sent, received] = totals ? totals.slice(1).map(Number) : [0, 0];
  check(sent === 100 && received >= enough, `${received} of ${sent} messages: ${stdout.slice(-400)}`);
  return { data: `${received} both ways` };
}

// A server on two addresses with two ports, and what coturn's tools find out about the way there: that nothing is in it (RFC 5780).
async function discovery(folder) {
  const [one, other] = [['127.0.0.1', 4480], ['127.0.0.2', 4481]];
  const listeners = [one, other].flatMap(([host]) => [one, other].map(([, port]) => `[[listen]]\ntransport = "udp"\naddress = "${host}:${port}"\n`));
  const file = join(folder, 'discovery.toml');
  writeFileSync(file, `${listeners.join('')}[discovery]\nprimary = "${one.join(':')}"\nalternate = "${other.join(':')}"\n`);
  const server = await Server.run(file);
  try {
    const where = ['-L', '127.0.0.1', '-p', String(one[1]), one[0]];
    const found = await execute('turnutils_natdiscovery', ['-m', '-f', ...where], { timeout: 60_000 });
    for (const text of ['NAT with Endpoint Independent Mapping!', 'NAT with Endpoint Independent Filtering!']) {
      check(found.stdout.includes(text), `not said: ${text}\n${found.stdout}`);
    }
    const answers = await execute('turnutils_stunclient', ['-f', ...where], { timeout: 60_000 });
    check((answers.stdout.match(/reflexive addr/g) || []).length >= 1 && answers.stdout.includes('127.0.0.2'), answers.stdout);
    return { data: 'mapping, filtering' };
  } finally {
    server.child.kill('SIGTERM');
    await server.ended;
  }
}

// Two clients that connect to each other over TCP, through relays of TCP.
async function tcpRelays() {
  const { stdout } = await execute('turnutils_uclient', [
    '-T', '-y', '-u', USER, '-w', PASSWORD, '-m', '2', '-n', '50', '-z', '5', '-p', String(UDP), HOST,
  ], { timeout: 60_000 });
  const totals = [...stdout.matchAll(/tot_send_msgs=(\d+), tot_recv_msgs=(\d+)/g)].at(-1);
  const [sent, received] = totals ? totals.slice(1).map(Number) : [0, 0];
  check(sent > 0 && received === sent, `${received} of ${sent} messages: ${stdout.slice(-400)}`);
  return { data: `${received} both ways` };
}

const PAGE = '<!doctype html><title>relay</title><canvas width=160 height=120></canvas>';

// Two connections in one page that may use nothing but the relay: audio, video and data from one to the other and back.
async function talkThroughRelay({ urls, username, credential }) {
  const configuration = { iceServers: [{ urls, username, credential }], iceTransportPolicy: 'relay' };
  const [a, b] = [new RTCPeerConnection(configuration), new RTCPeerConnection(configuration)];
  const canvas = document.querySelector('canvas');
  const context = canvas.getContext('2d');
  let turn = 0;
  setInterval(() => {
    context.fillStyle = `hsl(${turn += 7} 90% 50%)`;
    context.fillRect(0, 0, 160, 120);
  }, 40);
  const sound = new AudioContext();
  const tone = sound.createOscillator();
  const speaker = sound.createMediaStreamDestination();
  tone.connect(speaker);
  tone.start();
  const tracks = [canvas.captureStream(25).getVideoTracks()[0], speaker.stream.getAudioTracks()[0]];
  for (const side of [a, b]) for (const track of tracks) side.addTrack(track.clone());
  for (const [from, to] of [[a, b], [b, a]]) from.onicecandidate = ({ candidate }) => candidate && to.addIceCandidate(candidate);
  const echoed = new Promise((resolve) => {
    b.ondatachannel = ({ channel }) => { channel.onmessage = ({ data }) => channel.send(data); };
    const channel = a.createDataChannel('data');
    channel.onopen = () => channel.send('hello');
    channel.onmessage = ({ data }) => resolve(data);
  });
  const began = performance.now();
  await a.setLocalDescription();
  await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription();
  await a.setRemoteDescription(b.localDescription);
  const look = async () => {
    const seen = { frames: 0, packets: 0, kinds: [], states: [a.connectionState, b.connectionState] };
    for (const side of [a, b]) {
      const stats = await side.getStats();
      for (const report of stats.values()) {
        if (report.type === 'inbound-rtp' && report.kind === 'video') seen.frames += report.framesDecoded || 0;
        if (report.type === 'inbound-rtp' && report.kind === 'audio') seen.packets += report.packetsReceived || 0;
        if (report.type === 'candidate-pair' && report.state === 'succeeded' && report.nominated) {
          seen.kinds.push(stats.get(report.localCandidateId).candidateType);
        }
      }
    }
    return seen;
  };
  for (;;) {
    const seen = await look();
    if (seen.frames > 40 && seen.packets > 40 && seen.kinds.length >= 2) {
      seen.data = await Promise.race([echoed, new Promise((resolve) => setTimeout(() => resolve('nothing'), 5000))]);
      seen.seconds = (performance.now() - began) / 1000;
      a.close();
      b.close();
      return seen;
    }
    if (performance.now() - began > 40_000) throw new Error(`not within 40 s: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function inBrowser(browser, origin, urls) {
  const page = await browser.newPage();
  try {
    await page.goto(origin);
    const seen = await page.evaluate(talkThroughRelay, { urls, username: USER, credential: PASSWORD });
    check(seen.kinds.length >= 2 && seen.kinds.every((kind) => kind === 'relay'), `not over the relay: ${seen.kinds}`);
    check(seen.data === 'hello', `the data channel said ${seen.data}`);
    return { video: 'both', audio: 'both', data: 'echo', 'first frame': `${seen.seconds.toFixed(2)} s` };
  } finally {
    await page.close();
  }
}

// Our own client, two of them, and nothing else.
async function turnCheck(folder, uri, more = []) {
  const { stdout } = await execute(binary('turn_check'), [
    '--user', USER, '--password', PASSWORD, '--root', `${folder}/cert.pem`, '--count', '200', ...more, uri,
  ], { timeout: 60_000 });
  const report = JSON.parse(stdout);
  check(report.received.every((received) => received === 200), `${report.received} of 200 datagrams arrived`);
  return { data: `${report.sent} both ways`, 'first frame': `${report.connectedSeconds.toFixed(2)} s` };
}

export async function run(table, open) {
  const folder = mkdtempSync(join(tmpdir(), 'avocet-turnserver-'));
  const server = await Server.start(folder);
  const peer = spawn('turnutils_peer', ['-L', HOST, '-p', String(PEER)], { stdio: 'ignore' });
  const page = createServer((_, response) => response.end(PAGE)).listen(0, '127.0.0.1');
  await once(page, 'listening');
  try {
    // Over TLS it reads one record when a frame is ready, and leaves what is behind: some of the last ones are not counted.
    const ways = { UDP: [[], UDP, 100], TCP: [['-t'], UDP, 100], TLS: [['-t', '-S'], TLS, 10] };
    for (const [name, [options, port, enough]] of Object.entries(ways)) {
      for (const [kind, credentials] of [['', ['-w', PASSWORD]], [', time-limited', ['-W', SECRET]]]) {
        await table.row(`our server, uclient, ${name}${kind}`, '4.6', 'uclient', () => uclient(options, { port, credentials, enough }));
      }
    }
    await table.row('our server, uclient, no fragments', '4.6', 'uclient', () => uclient(['-g']));
    await table.row('our server, uclient, mobility', '4.6', 'uclient', () => uclient(['-M']));
    await table.row('our server, uclient, TCP relays', '4.6', 'uclient', tcpRelays);
    await table.row('our server, NAT discovery', '4.6', 'natdiscovery', () => discovery(folder));
    const uris = {
      UDP: `turn:${HOST}:${UDP}`, TCP: `turn:${HOST}:${UDP}?transport=tcp`,
      TLS: `turns:${HOST}:${TLS}`, DTLS: `turns:${HOST}:${TLS}?transport=udp`,
    };
    for (const [name, uri] of Object.entries(uris)) {
      await table.row(`our server, our client, ${name}`, '-', 'us', () => turnCheck(folder, uri));
    }
    await table.row('our server, our client, IPv6', '-', 'us', () => turnCheck(folder, `turn:[${HOST_6}]:${UDP}`, ['--ipv6']));
    for (const way of ['UDP', 'TCP']) {
      await table.row(`our server, our client moves, ${way}`, '-', 'us', async () => {
        const { stdout } = await execute(binary('turn_check'), [
          '--user', USER, '--password', PASSWORD, '--count', '50', '--move', uris[way],
        ], { timeout: 60_000 });
        const report = JSON.parse(stdout);
        check(report.moves === 3 && report.sent === 200 && report.returned === 200, `not everything came back: ${stdout}`);
        return { data: `${report.sent} and back, ${report.moves} moves` };
      });
    }
    const origin = `http://127.0.0.1:${page.address().port}/`;
    for (const name of ['chromium', 'firefox']) {
      const browser = await open(name);
      for (const way of ['UDP', 'TCP']) {
        await table.row(`our server, ${name}, ${way}`, '-', name, () => inBrowser(browser, origin, [uris[way]]));
      }
    }
    await table.row('our server, chromium, TLS', '-', 'chromium', async () => {
      const key = execFileSync('bash', ['-c', `openssl x509 -in ${folder}/cert.pem -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64`]);
      const browser = await launch('chromium', { trustedKey: key.toString().trim() });
      try {
        return await inBrowser(browser, origin, [uris.TLS]);
      } finally {
        await browser.close();
      }
    });
    await table.row('our server, a wrong password', '4.6', 'uclient', async () => {
      const failed = await uclient([], { credentials: ['-w', 'guess'] }).then(() => false, () => true);
      check(failed, 'it was let in');
      return {};
    });
    await table.row('our server, counters and drain', '-', '-', async () => {
      const counters = await server.counters();
      check(counters['avocet_turn_relayed_packets_total{to="peer"}'] > 1_000, 'nothing was counted');
      check(counters['avocet_turn_answers_total{code="401"}'] > 10, 'no challenges were counted');
      server.child.kill('SIGTERM');
      const [code] = await server.ended;
      check(code === 0 && server.lines.includes('draining'), `it ended with ${code}: ${server.lines}`);
      return { data: `${counters['avocet_turn_relayed_packets_total{to="peer"}']} packets` };
    });
  } finally {
    page.close();
    peer.kill('SIGKILL');
    server.child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}
