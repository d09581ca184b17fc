// Data channels of a browser against the program, which sends back whatever comes on a channel of the protocol "echo".
import { launch } from '../browsers.mjs';
import { setLoss } from '../loss.mjs';
import { startProgram } from '../program.mjs';
import { check } from '../table.mjs';

// Runs in the page: a connection with nothing but data, and helpers around it.
async function connect(url) {
  const connection = new RTCPeerConnection();
  // Waits until `enough` holds, or says what was missing.
  const until = async (enough, seconds, what) => {
    const end = Date.now() + seconds * 1000;
    while (!enough()) {
      if (Date.now() > end) throw new Error(`not within ${seconds} s: ${typeof what === 'function' ? what() : what}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  // A channel that keeps what it receives.
  const open = (label, init = {}) => {
    const channel = connection.createDataChannel(label, { protocol: 'echo', ...init });
    channel.binaryType = 'arraybuffer';
    channel.received = [];
    channel.onmessage = ({ data }) => channel.received.push(data);
    return channel;
  };
  // Sends, as long as not too much waits.
  const send = async (channel, message) => {
    await until(() => channel.bufferedAmount < 1_000_000, 60, 'room to send');
    channel.send(message);
  };
  const first = open('first');
  await connection.setLocalDescription();
  await until(() => connection.iceGatheringState === 'complete', 20, 'candidates');
  const { sdp } = connection.localDescription;
  const response = await fetch(`${url}calls`, { method: 'POST', body: JSON.stringify({ sdp }) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  await connection.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
  await until(() => first.readyState === 'open', 30, () => `an open channel, it is ${first.readyState}`);
  window.channels = { connection, first, until, open, send, id: answer.id };
}

// Runs in the page: messages of every kind and size come back as they were.
async function echoes() {
  const { first, until, send } = window.channels;
  const pattern = (size, seed) => Uint8Array.from({ length: size }, (_, at) => (at * 31 + seed) & 255);
  const same = (sent, got) => (typeof sent === 'string'
    ? got === sent
    : got instanceof ArrayBuffer && got.byteLength === sent.length && new Uint8Array(got).every((byte, at) => byte === sent[at]));
  const sent = ['', new Uint8Array(0), 'hello', '\u{1f980} \u00fc\u00df\u20ac', pattern(1, 7), pattern(1_200, 1), pattern(262_144, 2), 'x'.repeat(262_144)];
  for (let n = 0; n < 1_000; n += 1) sent.push(pattern(1, n));
  for (let n = 0; n < 40; n += 1) sent.push(pattern(262_144, n));
  const began = Date.now();
  let compared = 0;
  const compare = () => {
    while (first.received.length > 0) {
      if (!same(sent[compared], first.received.shift())) throw new Error(`message ${compared} came back different`);
      compared += 1;
    }
    return compared === sent.length;
  };
  for (const message of sent) {
    await send(first, message);
    compare();
  }
  await until(compare, 90, () => `${compared} of ${sent.length} messages came back`);
  const bytes = sent.reduce((sum, { length }) => sum + length, 0);
  return { messages: sent.length, bytes, seconds: (Date.now() - began) / 1000 };
}

// Runs in the page: one message of so many bytes comes back as it was, or twice over as one message, or the browser says itself that it sends
// none so large.
async function oneHugeMessage(size, times) {
  const { connection, open, until } = window.channels;
  const channel = open('huge', { protocol: times === 2 ? 'echo twice' : 'echo pieces' });
  await until(() => channel.readyState === 'open', 20, 'the channel open');
  const { maxMessageSize } = connection.sctp;
  const sent = new Uint8Array(size);
  for (let at = 0; at < size; at += 1) sent[at] = at * 31 + (at >> 16);
  const began = Date.now();
  const limit = Math.min(size, maxMessageSize);
  let refused;
  try {
    channel.send(sent);
  } catch (error) {
    refused = error.name;
    channel.send(sent.subarray(0, limit));
  }
  const once = refused ? sent.subarray(0, limit) : sent;
  await until(() => channel.received.length === 1, 60, () => `the message back, the channel is ${channel.readyState}`);
  const got = new Uint8Array(channel.received[0]);
  if (got.length !== times * once.length || !got.every((byte, at) => byte === once[at % once.length])) throw new Error(`${got.length} bytes came back different`);
  // The channel goes on after it.
  channel.send('after');
  await until(() => channel.received.length === 2, 20, 'what was sent after it');
  if (channel.received[1] !== 'after'.repeat(times)) throw new Error('what was sent after it came back different');
  channel.close();
  return { refused, maxMessageSize, bytes: got.length, seconds: (Date.now() - began) / 1000 };
}

// Runs in the page: many channels at once, each with its own words.
async function manyChannels(count) {
  const { open, until } = window.channels;
  const channels = Array.from({ length: count }, (_, n) => open(`channel ${n}`, { ordered: n % 2 === 0 }));
  await until(() => channels.every(({ readyState }) => readyState === 'open'), 30, 'all open');
  channels.forEach((channel, n) => channel.send(`words of ${n}`));
  await until(() => channels.every(({ received }) => received.length === 1), 30, 'all answered');
  channels.forEach(({ received }, n) => { if (received[0] !== `words of ${n}`) throw new Error(`channel ${n} got ${received[0]}`); });
  channels.forEach((channel) => channel.close());
  await until(() => channels.every(({ readyState }) => readyState === 'closed'), 30, 'all closed');
  return count;
}

// Runs in the page: large messages on many channels at the same moment. Where they mix, none is complete before nearly all are.
async function largeAtOnce(count) {
  const { open, until } = window.channels;
  const channels = Array.from({ length: count }, (_, n) => open(`large ${n}`));
  await until(() => channels.every(({ readyState }) => readyState === 'open'), 30, 'all open');
  channels.forEach((channel, n) => channel.send(new Uint8Array(262_144).fill(n)));
  const answered = () => channels.filter(({ received }) => received.length === 1).length;
  await until(() => answered() === count, 30, () => `${answered()} of ${count} large messages came back`);
  channels.forEach(({ received }, n) => { if (!new Uint8Array(received[0]).every((byte) => byte === n)) throw new Error(`large ${n} is not what was sent`); });
  channels.forEach((channel) => channel.close());
  return count;
}

// Runs in the page: channels close, from either side, and their streams serve again.
async function closeAndReopen(rounds) {
  const { open, until } = window.channels;
  const ids = new Set();
  for (let n = 0; n < rounds; n += 1) {
    const theirs = n % 2 === 1;
    const channel = open(`round ${n}`, theirs ? { protocol: 'echo once' } : {});
    await until(() => channel.readyState === 'open', 20, `round ${n} open`);
    ids.add(channel.id);
    channel.send('last words');
    await until(() => channel.received.length === 1, 20, `round ${n} answered`);
    if (!theirs) channel.close();
    await until(() => channel.readyState === 'closed', 20, `round ${n} closed`);
  }
  return ids.size;
}

// Runs in the page: what may get lost arrives whole or not at all, what may not arrives.
async function lossy() {
  const { open, until, send } = window.channels;
  const kinds = {
    unordered: { ordered: false }, 'no repetition': { ordered: false, maxRetransmits: 0 },
    'one repetition': { maxRetransmits: 1 }, '50 ms': { ordered: false, maxPacketLifeTime: 50 },
  };
  const channels = Object.entries(kinds).map(([label, init]) => open(label, init));
  await until(() => channels.every(({ readyState }) => readyState === 'open'), 30, 'all open');
  const count = 300;
  for (let n = 0; n < count; n += 1) {
    for (const channel of channels) {
      const message = new Uint8Array(3_000).fill(n & 255);
      new DataView(message.buffer).setUint32(0, n);
      await send(channel, message);
    }
    if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await until(() => channels[0].received.length === count, 60, () => `${channels[0].received.length} of ${count} came back`);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const counts = {};
  for (const channel of channels) {
    const seen = new Set();
    let last = -1;
    for (const data of channel.received) {
      const bytes = new Uint8Array(data);
      const n = new DataView(data).getUint32(0);
      if (bytes.length !== 3_000 || !bytes.subarray(4).every((byte) => byte === (n & 255))) throw new Error(`${channel.label}: a message is not whole`);
      if (seen.has(n)) throw new Error(`${channel.label}: a message came twice`);
      if (channel.ordered && n < last) throw new Error(`${channel.label}: out of order`);
      seen.add(n);
      last = n;
    }
    counts[channel.label] = seen.size;
  }
  return { count, counts };
}

async function opened(program, browser) {
  const page = await browser.newPage();
  page.on('pageerror', (error) => console.error(`page: ${error.message}`));
  await page.goto(program.url);
  await page.evaluate(connect, program.url);
  return page;
}

// `sends` is the largest message that the browser sends as one; without it, the browser says what that is.
// With `atOnce`, so many large messages go on as many channels at the same moment.
async function dataChannels(program, browser, sends, atOnce = 20) {
  const page = await opened(program, browser);
  try {
    const { messages, bytes, seconds } = await page.evaluate(echoes);
    const huge = await page.evaluate(oneHugeMessage, sends ?? TEN_MEGABYTES, 1);
    check(huge.bytes === (sends ?? 262_144), `one message of ${huge.bytes} bytes`);
    check(huge.refused === (sends ? undefined : 'TypeError'), `a larger one: ${huge.refused}`);
    let largest = huge.bytes;
    if (sends < TEN_MEGABYTES) {
      const twice = await page.evaluate(oneHugeMessage, TEN_MEGABYTES / 2, 2);
      largest = twice.bytes;
    }
    const many = await page.evaluate(manyChannels, 100);
    const large = atOnce ? await page.evaluate(largeAtOnce, atOnce) : 'no';
    const rounds = 20;
    const ids = await page.evaluate(closeAndReopen, rounds);
    check(ids <= 3, `${rounds} rounds took ${ids} streams`);
    return { data: `${messages} echoes, ${(bytes / 1e6).toFixed(0)} MB in ${seconds.toFixed(1)} s, one of ${megabytes(huge.bytes)} and of ${megabytes(largest)} MB, ${large} at once, ${many} channels` };
  } finally {
    await page.close();
  }
}

async function lossyChannels(program, browser, percent) {
  setLoss(0);
  const page = await opened(program, browser);
  try {
    setLoss(percent);
    const { count, counts } = await page.evaluate(lossy);
    check(counts.unordered === count, `only ${counts.unordered} of ${count} reliable messages came back`);
    check(counts['no repetition'] < count, 'nothing was lost on the lossy channel');
    check(counts['no repetition'] > count / 3, `only ${counts['no repetition']} of ${count} unreliable messages came back`);
    check(counts['one repetition'] >= counts['no repetition'], `repetition did not help: ${JSON.stringify(counts)}`);
    return { data: `of ${count}: ${Object.values(counts).join(', ')}` };
  } finally {
    setLoss(0);
    await page.close();
  }
}

const TEN_MEGABYTES = 10 * 1024 * 1024;
// What each sends as one message. Chromium says that it takes and sends 256 KiB; the SCTP of Firefox is set up for 8 MiB (8,388,608 bytes were seen
// to leave, and no more) and takes larger ones; the one it had before sends larger ones, too.
const LARGEST = { chromium: undefined, firefox: 8 * 1024 * 1024, 'firefox, usrsctp': TEN_MEGABYTES };

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

export async function run(table, open) {
  const program = await startProgram();
  const versionOf = async (browser) => (await browser.version()).replace(/^[^/]*\//, '');
  for (const name of ['chromium', 'firefox']) {
    const browser = await open(name);
    const version = await versionOf(browser);
    await table.row(`${name}, channels`, version, name, () => dataChannels(program, browser, LARGEST[name]));
    await table.row(`${name}, lossy channels`, version, name, () => lossyChannels(program, browser, 5));
  }
  // Without a row under loss: where an acknowledgement gets lost it waits for its timer of a second or more, and so takes minutes. And without large
  // messages at once: in about half of the runs it sent nothing more, with everything acknowledged and 478 KB of our window open.
  const name = 'firefox, usrsctp';
  const browser = await launch('firefox', { preferences: { 'media.peerconnection.sctp.use_dcsctp': false } });
  await table.row(`${name}, channels`, await versionOf(browser), 'firefox', () => dataChannels(program, browser, LARGEST[name], 0));
  await browser.close();
  await program.stop();
}
