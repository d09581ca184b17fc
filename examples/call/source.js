'use strict';
// Where picture and sound come from: the camera and the microphone, or a drawing and a tone.

// A worker's timer also ticks in a hidden tab, where the page's own timers are slowed down.
function ticker(milliseconds, tick) {
  const code = `setInterval(() => postMessage(0), ${milliseconds});`;
  const worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
  worker.onmessage = tick;
  return () => worker.terminate();
}

function paint(context, width, height, frame) {
  const hue = (frame * 2) % 360;
  context.fillStyle = `hsl(${hue} 45% 30%)`;
  context.fillRect(0, 0, width, height);
  context.fillStyle = `hsl(${(hue + 180) % 360} 70% 65%)`;
  const angle = frame / 20;
  context.beginPath();
  context.arc(width / 2 + Math.cos(angle) * width / 3, height / 2 + Math.sin(angle) * height / 3, height / 8, 0, 2 * Math.PI);
  context.fill();
  context.fillStyle = '#fff';
  context.font = `${height / 10}px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.fillText(new Date().toLocaleTimeString(), width / 2, height / 2);
}

function drawnPicture() {
  const [width, height, rate] = [640, 480, 25];
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  let frame = 0;
  paint(context, width, height, frame);
  // Frames that are handed over one by one do not depend on the tab being painted. Not every browser has this.
  if (window.MediaStreamTrackGenerator && window.VideoFrame) {
    const track = new MediaStreamTrackGenerator({ kind: 'video' });
    const writer = track.writable.getWriter();
    const stop = ticker(1000 / rate, () => {
      if (track.readyState === 'ended') return stop();
      paint(context, width, height, ++frame);
      const picture = new VideoFrame(canvas, { timestamp: Math.round(performance.now() * 1000) });
      writer.write(picture).catch(() => picture.close());
    });
    return track;
  }
  const track = canvas.captureStream(rate).getVideoTracks()[0];
  const stop = ticker(1000 / rate, () => {
    if (track.readyState === 'ended') return stop();
    paint(context, width, height, ++frame);
    if (track.requestFrame) track.requestFrame();
  });
  return track;
}

function tone() {
  const audio = new AudioContext();
  const oscillator = new OscillatorNode(audio, { frequency: 440 });
  const volume = new GainNode(audio, { gain: 0.05 });
  const output = audio.createMediaStreamDestination();
  oscillator.connect(volume).connect(output);
  oscillator.start();
  audio.resume();
  return output.stream.getAudioTracks()[0];
}

function reason(error) {
  switch (error && error.name) {
    case 'NotAllowedError': return 'not allowed';
    case 'NotReadableError': return 'busy: another program may be using it';
    case 'NotFoundError': return 'not found';
    default: return 'not to be had';
  }
}

async function capture(constraints) {
  if (!navigator.mediaDevices) throw new Error('not a secure origin');
  return (await navigator.mediaDevices.getUserMedia(constraints)).getTracks()[0];
}

// Returns { stream, notes }: a stream with one picture and one sound, and what had to be replaced, in words.
async function localMedia(drawn) {
  const notes = [];
  let [video, audio] = [null, null];
  if (!drawn) {
    video = await capture({ video: { width: { ideal: 640 }, height: { ideal: 480 } } })
      .catch((error) => { notes.push(`camera ${reason(error)}, a drawing instead`); });
    audio = await capture({ audio: true })
      .catch((error) => { notes.push(`microphone ${reason(error)}, a tone instead`); });
  }
  return { stream: new MediaStream([video || drawnPicture(), audio || tone()]), notes };
}
