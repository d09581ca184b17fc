// Files into calls and calls into files: browsers decode what the payload formats make of the clips, and ffmpeg decodes what
// they make of browsers' packets.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MediaPage } from '../page.mjs';
import { binary, startProgram } from '../program.mjs';
import { check } from '../table.mjs';

const execute = promisify(execFile);
const TESTDATA = fileURLToPath(new URL('../../testdata/', import.meta.url));
const clip = (name) => join(TESTDATA, 'clips', name);
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Which browser has which codec, and how many frames the clip has.
const PLAYED = [
  ['vp8_320x240_30_5s.ivf', 150, ['chromium', 'firefox']],
  ['vp9_320x240_30_5s.ivf', 150, ['chromium', 'firefox']],
  ['av1_320x240_30_3s.ivf', 90, ['chromium', 'firefox']],
  ['av1_320x240_30_3s.obu', 90, ['chromium']],
  ['h264_cbp_320x240_30_5s.h264', 150, ['chromium']],
];
const SOUNDS = [
  ['opus_stereo_440_660_5s.ogg', ['chromium', 'firefox']],
  ['opus_mono_voip_fec_5s.ogg', ['chromium']],
  ['pcmu_440_5s.ulaw', ['chromium', 'firefox']],
  ['pcma of pcmu_440_5s.ulaw', ['chromium']],
  ['g722_440_5s.g722', ['chromium', 'firefox']],
];

// The page decodes as many frames as the program has sent.
async function playVideo(browser, file, frames) {
  const program = await startProgram([clip(file)], 'play_from_disk');
  try {
    const page = await MediaPage.open(browser, program.url, 'audio=');
    await page.until((seen) => seen.framesDecoded > 0, 20);
    const seen = await page.until((now) => now.framesDecoded >= frames, 15);
    const said = program.lines.find((line) => line.startsWith('played'));
    check(said?.includes(`${frames} frames`), `the program says: ${said}`);
    check(seen.framesDecoded === frames, `${seen.framesDecoded} of ${frames} frames`);
    check(seen.width === 320 && seen.height === 240, `${seen.width}x${seen.height}`);
    await page.close();
    return { video: `${seen.framesDecoded} of ${frames} frames` };
  } finally {
    await program.stop();
  }
}

// The page hears something for as long as the file lasts.
async function playSound(browser, file) {
  const directory = await mkdtemp(join(tmpdir(), 'avocet-play-'));
  let path = clip(file);
  if (file.endsWith('.ulaw')) {
    path = join(directory, 'sound.wav');
    const source = file.split(' ').at(-1);
    const law = source === file ? 'copy' : 'pcm_alaw';
    await execute('ffmpeg', ['-v', 'error', '-f', 'mulaw', '-ar', '8000', '-i', clip(source), '-c', law, path]);
  }
  const program = await startProgram([path], 'play_from_disk');
  try {
    const page = await MediaPage.open(browser, program.url, 'video=');
    const seen = await page.until((now) => now.audioPackets >= 250, 20);
    check(seen.seconds > 3 && seen.energy > 0.001, `${seen.seconds} s, energy ${seen.energy}`);
    await page.close();
    return { audio: `${seen.audioPackets} packets, ${seen.seconds.toFixed(1)} s` };
  } finally {
    await program.stop();
    await rm(directory, { recursive: true });
  }
}

// ffmpeg decodes a file to its end without a word, and says how many frames there were.
export async function decoded(file, kind) {
  // Bare G.722 tells nothing of itself.
  const form = file.endsWith('.g722') ? ['-f', 'g722'] : [];
  const { stderr } = await execute('ffmpeg', ['-v', 'error', '-xerror', ...form, '-i', file, '-vsync', 'passthrough', '-enc_time_base', '-1', '-f', 'null', '-']);
  check(stderr === '', `ffmpeg: ${stderr.slice(0, 200)}`);
  const { stdout } = await execute('ffprobe', [
    '-v', 'error', ...form, '-select_streams', kind, '-count_packets', '-show_entries', 'stream=nb_read_packets,codec_name:format=duration',
    '-of', 'default=noprint_wrappers=1', file,
  ]);
  const { codec_name: codec, nb_read_packets: packets, duration } = Object.fromEntries(stdout.trim().split('\n').map((line) => line.split('=')));
  return { codec, packets: Number(packets), seconds: Number(duration) };
}

// The program saves what the browser sends, and ffmpeg decodes it.
async function recordCall(browser, query) {
  const directory = await mkdtemp(join(tmpdir(), 'avocet-record-'));
  const program = await startProgram([directory], 'record');
  try {
    const page = await MediaPage.open(browser, program.url, query);
    const wantsVideo = !query.includes('video=&');
    await page.until((seen) => seen.audioPacketsSent > 150 && (!wantsVideo || seen.framesEncoded > 60), 30);
    await page.close();
    const wanted = wantsVideo ? 2 : 1;
    for (let tries = 0; tries < 100 && program.lines.length < wanted + 1; tries++) await sleep(100);
    const cells = {};
    for (const file of await readdir(directory)) {
      const kind = /\.(ivf|h264)$/.test(file) ? 'v' : 'a';
      const path = join(directory, file);
      const { codec, packets, seconds } = await decoded(path, kind);
      check(kind === 'v' ? packets > 50 : seconds > 2, `${file}: only ${packets} packets, ${seconds} s`);
      cells[kind === 'v' ? 'video' : 'audio'] = kind === 'v' ? `${codec}, ${packets} frames` : `${codec}, ${seconds.toFixed(1)} s`;
    }
    check(!wantsVideo || cells.video, 'no picture was recorded');
    check(cells.audio, 'no sound was recorded');
    return cells;
  } finally {
    await program.stop();
    await rm(directory, { recursive: true });
  }
}

// The codec of a capture, as `undump` wants it: with clock rate and channels where the name does not tell them.
export const wholeCodec = ({ codec, clockRate, channels }) => [codec, clockRate, channels].filter(Boolean).join('/');

// What ffprobe sees of a file, frame by frame: octets, whether it is a key, and of a picture its width and height. Of VP9 with
// spatial layers ffprobe's own decoder shows the lowest only, so libvpx shows it.
async function probed(path, isVideo) {
  const probe = async (entries) => (await execute('ffprobe', ['-v', 'error', '-select_streams', '0', '-show_entries', entries, '-of', 'csv=p=0', path]))
    .stdout.split('\n').map((line) => line.split(',')).filter((fields) => fields.length > 1);
  const packets = (await probe('packet=size,flags')).map(([size, flags]) => [size, Number(flags.startsWith('K'))]);
  if (!isVideo) return packets;
  const frames = path.includes('vp9') ? await libvpx(path) : await probe('frame=key_frame,width,height');
  check(frames.length === packets.length, `${basename(path)}: ${frames.length} frames of ${packets.length} packets`);
  return packets.map(([size, key], at) => {
    const [decodedKey, width, height] = frames[at];
    // The upper layers of a key, of which the highest is seen, are none.
    check(key === 1 || decodedKey === '0', `${basename(path)}: frame ${at} is a key`);
    return [size, key, width, height];
  });
}

async function libvpx(path) {
  const { stderr } = await execute('ffmpeg', ['-v', 'info', '-nostats', '-c:v', 'libvpx-vp9', '-i', path, '-vf', 'showinfo', '-vsync', 'passthrough', '-f', 'null', '-']);
  // It tells no keys.
  return [...stderr.matchAll(/ s:(\d+)x(\d+) /g)].map(([, width, height]) => ['0', width, height]);
}

// Every capture in testdata becomes a file again, ffmpeg decodes it, and ffprobe sees what is written down of it beside it
// (BLESS=1 writes it down), where `cargo test` reads it.
export async function decodeCaptures() {
  const directory = await mkdtemp(join(tmpdir(), 'avocet-captures-'));
  try {
    const index = JSON.parse(await readFile(join(TESTDATA, 'captures/index.json'), 'utf8'));
    let files = 0;
    for (const capture of index.captures) {
      const { file, payloadType } = capture;
      const { stdout } = await execute(binary('undump'), [join(TESTDATA, 'captures', file), wholeCodec(capture), String(payloadType), directory]);
      for (const path of stdout.trim().split('\n')) {
        const isVideo = capture.codec.startsWith('video');
        await decoded(path, isVideo ? 'v' : 'a');
        files += 1;
        // Other sound has no frames in a file, and pauses of Opus are filled there.
        if (!isVideo && (!path.endsWith('.ogg') || Object.keys(capture.accompanying || {}).length > 0)) continue;
        const seen = (await probed(path, isVideo)).map((line) => `${line.join(',')}\n`).join('');
        const table = join(TESTDATA, 'captures/ffprobe', file.replace('.rtpdump', '.csv'));
        if (process.env.BLESS) await writeFile(table, seen);
        check(seen === await readFile(table, 'utf8'), `ffprobe sees something else in ${file}`);
      }
    }
    check(files >= index.captures.length, `only ${files} files`);
    return { data: `${files} files` };
  } finally {
    await rm(directory, { recursive: true });
  }
}

// The browsers take turns within themselves and run beside each other.
export async function run(table, open) {
  const recorded = {
    chromium: ['video=VP8&audio=opus', 'video=VP9&audio=G722', 'video=H264&audio=PCMU', 'video=AV1&audio=PCMA', 'video=VP9&audio=red,opus&svc=L3T3_KEY'],
    firefox: ['video=VP8&audio=opus', 'video=VP9&audio=PCMA', 'video=AV1&audio=PCMU'],
  };
  const kind = (file) => file.split('_').slice(0, 2).join(' ') + file.slice(file.lastIndexOf('.'));
  await Promise.all(Object.entries(recorded).map(async ([name, queries]) => {
    const browser = await open(name);
    const version = (await browser.version()).replace(/^[^/]*\//, '');
    for (const [file, frames] of PLAYED.filter(([, , names]) => names.includes(name))) {
      await table.row(`${name} plays ${kind(file)}`, version, name, () => playVideo(browser, file, frames));
    }
    for (const [file] of SOUNDS.filter(([, names]) => names.includes(name))) {
      await table.row(`${name} plays ${kind(file)}`, version, name, () => playSound(browser, file));
    }
    for (const query of queries) {
      await table.row(`${name} recorded, ${query}`, version, name, () => recordCall(browser, `${query}&width=320&height=180&rate=30`));
    }
  }));
  await table.row('ffmpeg on the captures', '-', '-', decodeCaptures);
}
