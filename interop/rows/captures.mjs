// What Chromium, Firefox and GStreamer send, codec by codec, as rtpdumps with the encoder's word beside them; ffmpeg decodes each.
//
// With AVOCET_CAPTURES=DIRECTORY they are kept there: so testdata/captures was made, and is made anew. AVOCET_CAPTURES_ONLY=REGEXP
// makes only those whose names it fits, and leaves the others as they are.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { MediaPage } from '../page.mjs';
import { binary, startProgram } from '../program.mjs';
import { check } from '../table.mjs';
import { decoded, wholeCodec } from './media.mjs';

export const slow = true;

const execute = promisify(execFile);
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const SECONDS = 3;
const LARGEST = 300_000;

// Runs in the page: takes what the program does not negotiate by itself into its answer, so that the browser sends it. With a
// dependency descriptor VP8 says nothing of layers in its payloads, so it goes without.
const acceptAll = (name) => `(answer, offer) => {
  const wanted = [/sdes:rtp-stream-id$/, /sdes:repaired-rtp-stream-id$/${name.startsWith('vp8') ? '' : ', /dependency-descriptor/'}];
  const sections = (sdp) => sdp.split(/(?=^m=)/m);
  const offered = sections(offer);
  return sections(answer).map((section, at) => {
    // The first codec is the one that is sent.
    const favourite = offered[at].match(/^m=audio \\d+ \\S+ (\\d+)/)?.[1];
    if (favourite) return section.replace(/^(m=audio \\d+ \\S+)(.*)$/m, (line, front, types) => (types.split(' ').includes(favourite) ? front + ' ' + favourite + types.split(' ').filter((type) => type && type !== favourite).map((type) => ' ' + type).join('') : line));
    if (!section.startsWith('m=video')) return section;
    const lines = offered[at].split('\\r\\n');
    let added = lines.filter((line) => line.startsWith('a=extmap:') && wanted.some((uri) => uri.test(line)) && !section.includes(line));
    if (!section.includes('a=simulcast')) {
      added = added.concat(lines.filter((line) => /^a=(rid|simulcast):/.test(line)).map((line) => line.replace(' send', ' recv').replace(':send', ':recv')));
    }
    // Nothing estimates the bandwidth here: it begins with enough for all layers.
    const first = section.match(/^m=video \\d+ \\S+ (\\d+)/)[1];
    const format = new RegExp('^a=fmtp:' + first + ' .*$', 'm');
    if (format.test(section)) section = section.replace(format, (line) => line + ';x-google-start-bitrate=2000');
    else added.push('a=fmtp:' + first + ' x-google-start-bitrate=2000');
    return section + added.map((line) => line + '\\r\\n').join('');
  }).join('');
}`;

// Runs in the page: plays tones, and says when each of them began, in milliseconds after the first.
async function playTones({ tones, duration, gap }) {
  const { dtmf } = window.avocet.connection.getSenders().find(({ track }) => track.kind === 'audio');
  const played = [];
  await new Promise((resolve) => {
    dtmf.ontonechange = ({ tone }) => {
      if (!tone) resolve();
      else played.push({ tone, at: Math.round(performance.now()) });
    };
    dtmf.insertDTMF(tones, duration, gap);
  });
  return { played: played.map(({ tone, at }) => ({ tone, at: at - played[0].at })), duration, gap };
}

// Runs in the page: stops sending, waits for the last packets, and says what the encoders did.
async function stopAndTell() {
  const { connection } = window.avocet;
  // Whoever has stopped tells no size.
  const sizes = new Map([...(await connection.getStats()).values()].filter(({ type }) => type === 'outbound-rtp').map((report) => [report.ssrc, report]));
  for (const sender of connection.getSenders()) await sender.replaceTrack(null);
  await new Promise((resolve) => setTimeout(resolve, 700));
  const told = [];
  for (const report of (await connection.getStats()).values()) {
    if (report.type !== 'outbound-rtp') continue;
    told.push({
      kind: report.kind, ssrc: report.ssrc, rid: report.rid, packetsSent: report.packetsSent, framesEncoded: report.framesEncoded,
      framesSent: report.framesSent, keyFramesEncoded: report.keyFramesEncoded, scalabilityMode: report.scalabilityMode,
      frameWidth: sizes.get(report.ssrc)?.frameWidth, frameHeight: sizes.get(report.ssrc)?.frameHeight,
    });
  }
  const extensions = {};
  const sdp = connection.remoteDescription.sdp;
  // What comes between the packets of the codec.
  const accompanying = {};
  for (const [, type, name] of sdp.matchAll(/^a=rtpmap:(\d+) (CN|telephone-event)\//gm)) accompanying[name] = [...(accompanying[name] || []), Number(type)];
  for (const [, id, uri] of sdp.matchAll(/^a=extmap:(\d+)(?:\/\w+)? (\S+)/gm)) extensions[uri] = Number(id);
  return { told, extensions, accompanying };
}

const BROWSERS = [
  ['chromium', 'vp8', 'video=VP8&audio='],
  ['chromium', 'vp8_l1t3', 'video=VP8&audio=&svc=L1T3'],
  ['chromium', 'vp8_simulcast', 'video=VP8&audio=&simulcast&width=960&height=540&kbps=300'],
  ['chromium', 'vp9', 'video=VP9&audio='],
  ['chromium', 'vp9_l3t3_key', 'video=VP9&audio=&svc=L3T3_KEY&width=960&height=540&kbps=800'],
  ['chromium', 'av1', 'video=AV1&audio=&svc=L1T1'],
  ['chromium', 'av1_l1t3', 'video=AV1&audio=&svc=L1T3'],
  ['chromium', 'av1_l3t3_key', 'video=AV1&audio=&svc=L3T3_KEY&width=960&height=540&kbps=800'],
  ['chromium', 'h264', 'video=H264&audio='],
  ['chromium', 'h264_l1t3', 'video=H264&audio=&svc=L1T3'],
  ['chromium', 'opus', 'video=&audio=opus'],
  ['chromium', 'red', 'video=&audio=red,opus'],
  ['chromium', 'g722', 'video=&audio=G722'],
  ['chromium', 'pcmu', 'video=&audio=PCMU'],
  ['chromium', 'pcma', 'video=&audio=PCMA'],
  ['chromium', 'cn', 'video=&audio=PCMU,CN'],
  ['chromium', 'dtmf_8000', 'video=&audio=PCMU,telephone-event', { tones: '159D#*', duration: 100, gap: 70 }],
  ['chromium', 'dtmf_48000', 'video=&audio=opus,telephone-event/48000', { tones: '0A', duration: 1500, gap: 50 }],
  ['firefox', 'vp8', 'video=VP8&audio='],
  ['firefox', 'vp9', 'video=VP9&audio='],
  ['firefox', 'av1', 'video=AV1&audio='],
  ['firefox', 'opus', 'video=&audio=opus'],
  ['firefox', 'g722', 'video=&audio=G722'],
  ['firefox', 'pcmu', 'video=&audio=PCMU'],
  ['firefox', 'pcma', 'video=&audio=PCMA'],
  ['firefox', 'dtmf_8000', 'video=&audio=PCMU,telephone-event', { tones: '159D#*', duration: 100, gap: 70 }],
];

const picture = 'videotestsrc is-live=true num-buffers=60 pattern=ball ! video/x-raw,format=I420,width=320,height=180,framerate=30/1';
const sound = (rate, buffers = 100, channels = 1) => `audiotestsrc is-live=true num-buffers=${buffers} samplesperbuffer=${rate / 50} ! audio/x-raw,rate=${rate},channels=${channels}`;
const GSTREAMER = [
  ['vp8', 'video/VP8', `${picture} ! vp8enc deadline=1 target-bitrate=200000 keyframe-max-dist=30 ! rtpvp8pay mtu=1000 picture-id-mode=2`, 60],
  ['vp9', 'video/VP9', `${picture} ! vp9enc deadline=1 cpu-used=8 lag-in-frames=0 target-bitrate=200000 keyframe-max-dist=30 ! rtpvp9pay mtu=1000 picture-id-mode=2`, 60],
  ['h264', 'video/H264', `${picture} ! x264enc tune=zerolatency threads=1 bitrate=200 key-int-max=30 ! rtph264pay mtu=1000 config-interval=-1 aggregate-mode=zero-latency`, 60],
  ['h265', 'video/H265', `${picture} ! x265enc tune=zerolatency bitrate=200 key-int-max=30 ! rtph265pay mtu=1000 config-interval=-1 aggregate-mode=zero-latency`, 60],
  ['opus', 'audio/opus', `${sound(48000)} ! opusenc ! rtpopuspay`, 100],
  ['g722', 'audio/G722', `${sound(16000)} ! avenc_g722 ! rtpg722pay min-ptime=20000000 max-ptime=20000000`, 0],
  ['pcmu', 'audio/PCMU', `${sound(8000)} ! mulawenc ! rtppcmupay min-ptime=20000000 max-ptime=20000000`, 0],
  ['pcma', 'audio/PCMA', `${sound(8000)} ! alawenc ! rtppcmapay min-ptime=20000000 max-ptime=20000000`, 0],
  ['red', 'audio/red/48000/2', `${sound(48000)} ! opusenc ! rtpopuspay pt=111 ! rtpredenc pt=96 distance=1`, 100],
  // By packets of their own length: cut by the largest datagram, and by time.
  ['l16_8000_1', 'audio/L16/8000', `${sound(8000, 50)} ! audioconvert ! rtpL16pay mtu=1200 min-ptime=20000000 max-ptime=20000000`, 0],
  ['l16_44100_2', 'audio/L16/44100/2', `${sound(44100, 30, 2)} ! audioconvert ! rtpL16pay mtu=1200`, 0],
  ['l16_48000_1', 'audio/L16/48000', `${sound(48000, 50)} ! audioconvert ! rtpL16pay mtu=1200 min-ptime=5000000 max-ptime=5000000`, 0],
];

// The program's words on a stream: `0-1234abcd video/VP8 payload type 96: 90 frames, 0 gaps`.
function streams(lines) {
  return lines.map((line) => line.match(/^(\S+) (\S+) payload type (\d+): (\d+) frames, (\d+) gaps/)).filter(Boolean)
    .map(([, name, codec, payloadType, frames, gaps]) => ({ name, codec, payloadType: Number(payloadType), frames: Number(frames), gaps: Number(gaps) }));
}

async function decodable(dump, codec, payloadType) {
  const directory = await mkdtemp(join(tmpdir(), 'avocet-undump-'));
  try {
    const { stdout } = await execute(binary('undump'), [dump, codec, String(payloadType), directory]);
    for (const path of stdout.trim().split('\n')) {
      await decoded(path, codec.startsWith('video') ? 'v' : 'a');
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}

// One capture for each stream that the browser sends.
async function fromBrowser(browser, sender, version, [name, query, tones], kept, index) {
  const directory = await mkdtemp(join(tmpdir(), 'avocet-capture-'));
  const program = await startProgram([directory, '--rtpdump'], 'record');
  try {
    const defaults = { width: 320, height: 180, rate: 15, kbps: 150 };
    const rest = Object.entries(defaults).filter(([key]) => !query.includes(`${key}=`)).map(([key, value]) => `&${key}=${value}`).join('');
    const page = await MediaPage.open(browser, program.url, query + rest, acceptAll(name));
    await page.until((seen) => seen.framesEncoded > 2 || seen.audioPacketsSent > 5, 30);
    const heard = tones && await page.page.evaluate(playTones, tones);
    await sleep(tones ? 500 : SECONDS * 1000);
    const { told, extensions, accompanying } = await page.page.evaluate(stopAndTell);
    await page.close();
    for (let tries = 0; tries < 100 && streams(program.lines).length < told.length; tries++) await sleep(100);
    const recorded = streams(program.lines);
    check(recorded.length > 0, `nothing was recorded: ${program.lines.join('; ')}`);
    for (const stream of recorded) {
      const ssrc = parseInt(stream.name.split('-').at(-1), 16);
      const encoder = told.find((one) => one.ssrc === ssrc) || {};
      const file = `${sender}_${name}${encoder.rid ? `_${encoder.rid}` : ''}.rtpdump`;
      await keep(join(directory, `${stream.name}.rtpdump`), file, {
        sender: `${sender} ${version}`, codec: stream.codec, payloadType: stream.payloadType, extensions, accompanying, encoder, tones: heard,
      }, kept, index);
      check(stream.gaps === 0, `${file}: ${stream.gaps} gaps`);
    }
    return { [query.includes('video=&') ? 'audio' : 'video']: `${recorded.length} streams, ${recorded.map(({ frames }) => frames).join('+')} frames` };
  } finally {
    await program.stop();
    await rm(directory, { recursive: true });
  }
}

async function fromGStreamer(name, codec, pipeline, frames, version, kept, index) {
  const directory = await mkdtemp(join(tmpdir(), 'avocet-capture-'));
  try {
    const program = spawn(binary('record'), [directory, '--rtpdump', '--udp', '5004', codec], { stdio: ['ignore', 'pipe', 'inherit'] });
    // Not `exit`: that may come before the last of what it said.
    const ended = once(program, 'close');
    let said = '';
    program.stdout.on('data', (text) => { said += text; });
    while (!said.includes('waiting') && program.exitCode === null) await sleep(20);
    await execute('gst-launch-1.0', ['-q', ...`${pipeline} ! udpsink host=127.0.0.1 port=5004 qos=false sync=false`.split(' ')]);
    await ended;
    const [stream] = streams(said.split('\n'));
    check(stream && stream.frames > 20 && stream.gaps === 0, `the program says: ${said}`);
    // An audio encoder that looks ahead says one frame more at the end, or not.
    const spare = codec.startsWith('audio') ? 1 : 0;
    check(frames === 0 || (stream.frames >= frames && stream.frames <= frames + spare), `${stream.frames} of ${frames} frames`);
    const encoder = codec.startsWith('video') ? { framesSent: frames, frameWidth: 320, frameHeight: 180 } : {};
    const [clockRate, channels] = codec.split('/').slice(2).map(Number);
    await keep(join(directory, `${stream.name}.rtpdump`), `gstreamer_${name}.rtpdump`, {
      sender: `GStreamer ${version}`, codec: stream.codec, clockRate, channels, payloadType: stream.payloadType, extensions: {}, encoder,
    }, kept, index);
    return { [codec.startsWith('video') ? 'video' : 'audio']: `${stream.frames} frames` };
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function keep(dump, file, entry, kept, index) {
  await decodable(dump, wholeCodec(entry), entry.payloadType);
  const { size } = await stat(dump);
  check(size <= LARGEST, `${basename(file)} has ${size} octets`);
  await copyFile(dump, join(kept, file));
  index.push({ file, ...entry });
}

async function writeIndex(path, index, keepOthers) {
  const { captures } = keepOthers ? JSON.parse(await readFile(path, 'utf8')) : { captures: [] };
  for (const entry of index) {
    const known = captures.findIndex(({ file }) => file === entry.file);
    captures.splice(known < 0 ? captures.length : known, 1, entry);
  }
  await writeFile(path, `${JSON.stringify({ captures }, null, 1)}\n`);
}

export async function run(table, open) {
  const kept = process.env.AVOCET_CAPTURES || await mkdtemp(join(tmpdir(), 'avocet-captures-'));
  await mkdir(kept, { recursive: true });
  const index = [];
  const only = new RegExp(process.env.AVOCET_CAPTURES_ONLY || '');
  for (const [sender, name, query, tones] of BROWSERS) {
    if (!only.test(`${sender}_${name}`)) continue;
    const browser = await open(sender);
    const version = (await browser.version()).replace(/^[^/]*\//, '');
    await table.row(`${sender} sends ${name}`, version, sender, () => fromBrowser(browser, sender, version, [name, query, tones], kept, index));
  }
  const { stdout } = await execute('gst-launch-1.0', ['--version']);
  const version = stdout.match(/version (\S+)/)[1];
  for (const [name, codec, pipeline, frames] of GSTREAMER) {
    if (!only.test(`gstreamer_${name}`)) continue;
    await table.row(`GStreamer sends ${name}`, version, '-', () => fromGStreamer(name, codec, pipeline, frames, version, kept, index));
  }
  if (!process.env.AVOCET_CAPTURES) await rm(kept, { recursive: true });
  else await writeIndex(join(kept, 'index.json'), index, Boolean(process.env.AVOCET_CAPTURES_ONLY));
}
