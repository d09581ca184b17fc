'use strict';
// The call: signalling by fetch to the program that served this page, media and data straight to it over UDP.
// Options in the address: ?room=NAME, ?offer=program (the program makes the offer), ?drawn (no camera), ?auto.

const element = (id) => document.getElementById(id);
const options = new URLSearchParams(location.search);
const NO_PATH_AFTER_MS = 10_000;
let call = null;
// What an automated run looks at.
window.avocet = { get connection() { return call && call.connection; }, get id() { return call && call.id; }, send: (text) => call.channel.send(text), received: [], error: null };

function say(text, trouble = false) {
  element('state').textContent = text;
  element('state').classList.toggle('trouble', trouble);
}

function help(text) {
  element('help').hidden = !text;
  element('help').textContent = text || '';
}

function line(text, mine) {
  const item = document.createElement('li');
  item.textContent = (mine ? 'you: ' : 'received: ') + text;
  item.className = mine ? 'mine' : '';
  element('lines').append(item);
  item.scrollIntoView({ block: 'nearest' });
}

async function request(method, path, body) {
  let response;
  try {
    response = await fetch(path, { method, body: body && JSON.stringify(body) });
  } catch {
    throw new Error('The program does not answer. Is it still running? Start it again and reload this page.');
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error || `The program refused (HTTP ${response.status}).`);
  return answer;
}

async function start() {
  enable(true);
  help('');
  say('Asking for camera and microphone…');
  const { stream, notes } = await localMedia(options.has('drawn'));
  element('local').srcObject = stream;
  element('local-caption').textContent = notes.length ? `You (${notes.join('; ')})` : 'You';
  const connection = new RTCPeerConnection();
  call = { connection, stream, id: null, channel: null, pending: [], timers: [] };
  connection.ontrack = ({ track, streams }) => {
    element('remote').srcObject = streams[0] || new MediaStream([track]);
    element('remote-caption').textContent = 'From the program';
  };
  connection.onicecandidate = ({ candidate }) => trickle(call, candidate);
  connection.onconnectionstatechange = () => onState(call);
  connection.ondatachannel = ({ channel }) => open(call, channel);
  say('Calling…');
  const room = element('room').value.trim();
  if (options.get('offer') === 'program') await answerProgram(call, room);
  else await offerProgram(call, room);
  call.timers.push(setTimeout(() => noPath(call), NO_PATH_AFTER_MS));
  call.timers.push(setInterval(() => figures(call), 1000));
}

async function offerProgram(call, room) {
  const { connection, stream } = call;
  for (const track of stream.getTracks()) connection.addTrack(track, stream);
  open(call, connection.createDataChannel('chat'));
  await connection.setLocalDescription();
  const answer = await request('POST', 'calls', { room, sdp: connection.localDescription.sdp });
  begin(call, answer);
  await connection.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
}

async function answerProgram(call, room) {
  const { connection, stream } = call;
  const offer = await request('POST', 'calls', { room });
  await connection.setRemoteDescription({ type: 'offer', sdp: offer.sdp });
  for (const track of stream.getTracks()) connection.addTrack(track, stream);
  await connection.setLocalDescription();
  await request('POST', `calls/${offer.id}/answer`, { sdp: connection.localDescription.sdp });
  begin(call, offer);
}

// The program knows the call now: candidates that were found meanwhile may follow.
function begin(call, { id, ports }) {
  call.id = id;
  call.ports = ports;
  call.pending.splice(0).forEach((candidate) => trickle(call, candidate));
}

function trickle(call, candidate) {
  if (!call.id) { call.pending.push(candidate); return; }
  request('POST', `calls/${call.id}/candidate`, { candidate: candidate ? candidate.candidate : '' })
    .catch((error) => console.warn(error.message));
}

function open(call, channel) {
  call.channel = channel;
  channel.onopen = () => { element('text').disabled = element('say').querySelector('button').disabled = false; };
  channel.onclose = () => { element('text').disabled = element('say').querySelector('button').disabled = true; };
  channel.onmessage = ({ data }) => { window.avocet.received.push(data); line(data, false); };
}

function onState({ connection }) {
  switch (connection.connectionState) {
    case 'connecting': return say('Looking for a path and agreeing on keys…');
    case 'connected': help(''); return say('Connected.');
    case 'disconnected': return say('The path is silent; waiting for it to come back…', true);
    case 'failed':
      say('The call failed.', true);
      return noPath(call);
    case 'closed': return say('Ended.');
  }
}

function noPath(current) {
  if (current !== call || call.connection.connectionState === 'connected') return;
  const ports = (call.ports || []).join(' and ');
  say('No path between this browser and the program yet.', true);
  help(`Media travels over UDP${ports ? `, to port ${ports} of the program` : ''}. What usually stands in the way:
• a firewall: let UDP to that port in, and the answers out;
• a container or a virtual machine: publish the UDP port (for example -p ${ports || 'PORT'}:${ports || 'PORT'}/udp) and start the program with --announce IP, the address that this browser can reach;
• a cloud host behind an address translation: --announce IP with its public address;
• another machine: start the program with --lan and open the address that it prints.`);
}

let before = null;
async function figures(current) {
  if (current !== call) return;
  const now = { at: performance.now(), down: 0, up: 0, lost: 0, packets: 0 };
  let [rtt, picture, security] = [null, null, null];
  for (const report of (await call.connection.getStats()).values()) {
    if (report.type === 'inbound-rtp') {
      now.down += report.bytesReceived || 0;
      now.lost += Math.max(0, report.packetsLost || 0);
      now.packets += report.packetsReceived || 0;
      if (report.kind === 'video' && report.frameWidth) {
        picture = `${report.frameWidth}×${report.frameHeight}, ${Math.round(report.framesPerSecond || 0)}/s`;
      }
    } else if (report.type === 'outbound-rtp') {
      now.up += report.bytesSent || 0;
    } else if (report.type === 'candidate-pair' && report.nominated && report.currentRoundTripTime !== undefined) {
      rtt = report.currentRoundTripTime;
    } else if (report.type === 'transport' && report.srtpCipher) {
      security = `DTLS ${{ FEFD: '1.2', FEFC: '1.3' }[report.tlsVersion] || ''}, ${report.srtpCipher.replace(/^SRTP_/, '').replaceAll('_', ' ')}`;
    }
  }
  if (before) {
    const seconds = (now.at - before.at) / 1000;
    const rate = (bytes) => `${Math.max(0, Math.round(bytes * 8 / seconds / 1000))} kbit/s`;
    element('down').textContent = rate(now.down - before.down);
    element('up').textContent = rate(now.up - before.up);
    const [lost, packets] = [now.lost - before.lost, now.packets - before.packets];
    element('loss').textContent = lost + packets > 0 ? `${Math.max(0, 100 * lost / (lost + packets)).toFixed(1)} %` : '–';
  }
  before = now;
  if (rtt !== null) element('rtt').textContent = `${(rtt * 1000).toFixed(1)} ms`;
  if (picture) element('picture').textContent = picture;
  if (security) element('security').textContent = security;
}

function enable(busy) {
  element('call').disabled = element('room').disabled = busy;
  element('hang-up').disabled = element('sound').disabled = !busy;
}

function hangUp() {
  if (!call) return;
  const { connection, stream, id, timers } = call;
  call = null;
  before = null;
  timers.forEach((timer) => { clearTimeout(timer); clearInterval(timer); });
  connection.close();
  stream.getTracks().forEach((track) => track.stop());
  if (id) navigator.sendBeacon(`calls/${id}/end`);
  element('remote').srcObject = element('local').srcObject = null;
  element('text').disabled = true;
  enable(false);
  say('Ended.');
}

function begun() {
  start().catch((error) => {
    window.avocet.error = error.message;
    hangUp();
    say('The call could not be made.', true);
    help(error.message);
  });
}

element('room').value = options.get('room') || '';
element('call').onclick = begun;
element('hang-up').onclick = hangUp;
element('sound').onclick = () => {
  const video = element('remote');
  video.muted = !video.muted;
  element('sound').textContent = video.muted ? 'Unmute' : 'Mute';
  element('sound').setAttribute('aria-pressed', String(!video.muted));
};
element('say').onsubmit = (event) => {
  event.preventDefault();
  const text = element('text').value;
  if (!text || !call || !call.channel || call.channel.readyState !== 'open') return;
  call.channel.send(text);
  line(text, true);
  element('text').value = '';
};
addEventListener('pagehide', hangUp);
if (!window.RTCPeerConnection) {
  say('This browser has no WebRTC.', true);
  element('call').disabled = true;
} else if (options.has('auto')) {
  begun();
}
