// The call example against Chromium and Firefox: both directions, loss, rooms, and what its page says when things go wrong.
import { Call } from '../call.mjs';
import { launch } from '../browsers.mjs';
import { lost, setLoss } from '../loss.mjs';
import { startProgram } from '../program.mjs';
import { check } from '../table.mjs';

const LOSS_WINDOW_SECONDS = 20;

// Media, sound and data both ways between one page and the program.
async function oneCall(program, browser, offers, dtls = '1.3') {
  const call = await Call.open(browser, program.url, offers === 'program' ? 'offer=program' : '');
  try {
    const first = await call.until((seen) => seen.framesDecoded > 0, 30);
    await call.until((seen) => seen.framesDecoded > 10 && seen.audioPackets > 10, 40);
    await call.say('hello, program');
    const seen = await call.until(({ received }) => received.includes('hello, program'), 50);
    const ours = await program.stats(seen.id);
    check(ours.videoPacketsReceived > 0 && ours.audioPacketsReceived > 0, `no packets here: ${JSON.stringify(ours)}`);
    check(ours.srtpFailures === 0, `${ours.srtpFailures} packets could not be opened here`);
    check(ours.dtlsVersion === dtls, `DTLS ${ours.dtlsVersion}`);
    check(ours.dtlsVersion === seen.dtls || seen.dtls === undefined, `DTLS ${ours.dtlsVersion} here, ${seen.dtls} there`);
    return {
      video: 'both', audio: 'both', data: 'echo', dtls: ours.dtlsVersion, srtp: ours.srtpProfile,
      'first frame': `${first.waited.toFixed(2)} s`,
    };
  } finally {
    await call.close();
  }
}

// The picture under loss against the picture without.
async function lossyCall(program, browser, percent) {
  setLoss(0);
  let call = await Call.open(browser, program.url, '');
  await call.until((seen) => seen.framesDecoded > 30, 30);
  const clean = await call.during(LOSS_WINDOW_SECONDS);
  await call.close();
  setLoss(percent);
  try {
    call = await Call.open(browser, program.url, '');
    const { id } = await call.until((seen) => seen.framesDecoded > 30, 60);
    const before = await program.stats(id);
    const lossy = await call.during(LOSS_WINDOW_SECONDS);
    const after = await program.stats(id);
    await call.close();
    const answered = after.nacksAnswered - before.nacksAnswered;
    const asked = Math.max(lossy.keyframesRequested, after.keyframesRequested - before.keyframesRequested);
    const ratio = lossy.framesDecoded / clean.framesDecoded;
    const figures = `${lossy.framesDecoded} frames of ${clean.framesDecoded}, ${answered} NACKs answered, ${asked} key frames asked`;
    check(lost() > 0, 'the filter dropped nothing');
    check(answered > 0, `no NACK was answered (${figures})`);
    check(asked <= LOSS_WINDOW_SECONDS / 2, `too many key frames asked (${figures})`);
    check(ratio >= 0.9, `too few frames (${figures})`);
    return { video: `${(100 * ratio).toFixed(0)} % of frames`, data: `${answered} NACKs answered`, dtls: after.dtlsVersion, srtp: after.srtpProfile };
  } finally {
    setLoss(0);
  }
}

// Two tabs of two browsers in one room see each other, and their chat crosses.
async function roomCall(program, browsers) {
  const calls = [];
  try {
    for (const browser of browsers) calls.push(await Call.open(browser, program.url, 'room=interop'));
    for (const call of calls) await call.until((seen) => seen.framesDecoded > 0, 40);
    for (const call of calls) {
      const { framesDecoded } = await call.during(5);
      check(framesDecoded > 20, `only ${framesDecoded} frames in 5 s`);
    }
    await calls[0].say('from the first');
    await calls[1].say('from the second');
    await calls[1].until(({ received }) => received.includes('from the first'), 90);
    const seen = await calls[0].until(({ received }) => received.includes('from the second'), 90);
    check(!seen.received.includes('from the first'), 'the first line came back to its own tab');
    return { video: 'both', audio: 'both', data: 'crossed' };
  } finally {
    for (const call of calls) await call.close();
  }
}

// A tab that is not seen goes on sending its drawing.
async function hiddenCall(program, browser) {
  const call = await Call.open(browser, program.url, 'drawn');
  try {
    await call.until((seen) => seen.framesDecoded > 0, 30);
    const front = await browser.newPage();
    await front.bringToFront();
    const before = await program.stats((await call.look()).id);
    await call.during(4);
    const after = await program.stats((await call.look()).id);
    await front.close();
    const packets = after.videoPacketsReceived - before.videoPacketsReceived;
    check(packets > 60, `only ${packets} packets in 4 s from a hidden tab`);
    return { video: `${packets} packets in 4 s` };
  } finally {
    await call.close();
  }
}

// Without camera and microphone the page draws, and says so.
async function bareCall(program) {
  const browser = await launch('chromium', { devices: false });
  try {
    const call = await Call.open(browser, program.url, '');
    await call.until((seen) => seen.framesDecoded > 10, 30);
    const [, caption] = await call.words();
    check(/camera .*drawing instead.*microphone .*tone instead/.test(caption), `it says: ${caption}`);
    return { video: 'drawn', audio: 'a tone' };
  } finally {
    await browser.close();
  }
}

// SCTP's INIT travels in both descriptions, whoever offers, and the channel opens without a handshake of its own.
async function snapCall(program, offers) {
  const browser = await launch('chromium', { fieldTrials: 'WebRTC-Sctp-Snap/Enabled/' });
  try {
    const call = await Call.open(browser, program.url, offers === 'program' ? 'offer=program' : '');
    await call.until((seen) => seen.framesDecoded > 0, 30);
    await call.say('hello, program');
    await call.until(({ received }) => received.includes('hello, program'), 50);
    const inits = await call.page.evaluate(() => {
      const { localDescription, remoteDescription } = window.avocet.connection;
      return [localDescription, remoteDescription].map(({ sdp }) => sdp.includes('a=sctp-init:'));
    });
    check(inits.every(Boolean), `INIT in our and their description: ${inits}`);
    return { data: 'echo, no handshake' };
  } finally {
    await browser.close();
  }
}

// Where no datagram passes, the page says what to do after 10 s.
async function blockedCall(program, browser) {
  setLoss(100);
  const call = await Call.open(browser, program.url, '');
  try {
    await new Promise((resolve) => setTimeout(resolve, 11_500));
    const [state, , help] = await call.words();
    check(/No path/.test(state), `the state is: ${state}`);
    for (const word of ['UDP', 'port', 'firewall', 'container', '--announce']) check(help.includes(word), `no ${word} in: ${help}`);
    return { data: 'help shown' };
  } finally {
    setLoss(0);
    await call.close();
  }
}

// A program that has DTLS 1.2 only.
async function oldCall(browser, offers) {
  const program = await startProgram(['--dtls-1.2']);
  try {
    return await oneCall(program, browser, offers, '1.2');
  } finally {
    await program.stop();
  }
}

// HTTPS with the certificate that the program makes.
async function lanCall() {
  const program = await startProgram(['--lan']);
  const browser = await launch('chromium', { anyCertificate: true });
  try {
    const call = await Call.open(browser, program.url, '');
    const { waited } = await call.until((seen) => seen.framesDecoded > 10, 30);
    return { video: 'both', 'first frame': `${waited.toFixed(2)} s` };
  } finally {
    await browser.close();
    await program.stop();
  }
}

// Whatever is posted: an answer with a reason, and the program lives.
async function badRequests(program) {
  const post = (path, body) => fetch(program.url + path, { method: 'POST', body });
  const refusals = [
    [400, 'calls', '{'], [400, 'calls', '[1,2]'.repeat(1000)], [400, 'calls', JSON.stringify({ sdp: 'v=0\r\nrubbish' })],
    [400, 'calls', JSON.stringify({ sdp: '\u0000'.repeat(500) })], [400, 'calls', JSON.stringify({ room: 'x'.repeat(1000) })],
    [413, 'calls', 'x'.repeat(300_000)], [404, 'calls/0/answer', '{}'], [404, 'calls/0/candidate', '{}'], [404, 'nowhere', '{}'],
  ];
  for (const [status, path, body] of refusals) {
    const response = await post(path, body);
    const { error } = await response.json();
    check(response.status === status && error.length > 10, `${path} with ${body.slice(0, 30)}: ${response.status} ${error}`);
  }
  const { id } = await (await post('calls', '{}')).json();
  for (const sdp of ['', 'v=0', 'x'.repeat(100_000)]) {
    check((await post(`calls/${id}/answer`, JSON.stringify({ sdp }))).status === 400, 'a bad answer was taken');
  }
  for (const candidate of ['rubbish', 'candidate:1 1 udp 1 127.0.0.1 99999 typ host', 'x'.repeat(100_000)]) {
    const { taken } = await (await post(`calls/${id}/candidate`, JSON.stringify({ candidate }))).json();
    check(taken === false, 'a bad candidate was taken');
  }
  check((await post(`calls/${id}/end`, '')).ok, 'the call did not end');
  return { data: `${refusals.length + 6} refused` };
}

// A second program takes the next port, and both serve.
async function secondProgram(first) {
  const second = await startProgram();
  try {
    const [a, b] = [first, second].map(({ url }) => Number(new URL(url).port));
    check(b > a, `port ${b} after ${a}`);
    check((await fetch(second.url)).ok && (await fetch(first.url)).ok, 'one of the two does not serve');
    return { data: `port ${b} after ${a}` };
  } finally {
    await second.stop();
  }
}

export async function run(table, open) {
  const program = await startProgram();
  const names = ['chromium', 'firefox'];
  const browsers = [];
  for (const name of names) browsers.push(await open(name));
  for (const [index, name] of names.entries()) {
    const browser = browsers[index];
    const version = (await browser.version()).replace(/^[^/]*\//, '');
    for (const offers of [name, 'program']) await table.row(name, version, offers, () => oneCall(program, browser, offers));
    await table.row(`${name}, DTLS 1.2`, version, name, () => oldCall(browser, name));
    await table.row(`${name}, 5 % loss`, version, name, () => lossyCall(program, browser, 5));
  }
  const [chromium] = browsers;
  await table.row('chromium, hidden tab', '-', 'chromium', () => hiddenCall(program, chromium));
  await table.row('chromium, no camera', '-', 'chromium', () => bareCall(program));
  for (const offers of ['chromium', 'program']) await table.row('chromium, SNAP', '-', offers, () => snapCall(program, offers));
  await table.row('chromium, no path', '-', 'chromium', () => blockedCall(program, chromium));
  await table.row('chromium, --lan', '-', 'chromium', () => lanCall());
  await table.row('a taken port', '-', '-', () => secondProgram(program));
  await table.row('bad requests', '-', '-', () => badRequests(program));
  await table.row('chromium with firefox', '-', 'browsers', () => roomCall(program, browsers));
  await table.row('the program', '-', '-', async () => check(program.alive(), 'it died'));
  await program.stop();
}
