// libdatachannel, through its Node binding: two connections in one process over loopback. Prints a line of the table.
import nodeDataChannel from 'node-datachannel';

const ROUNDS = 3;
const SIZES = [[65_536, 256], [100, 40_000]];

const [a, b] = ['a', 'b'].map((name) => new nodeDataChannel.PeerConnection(name, { iceServers: [], bindAddress: '127.0.0.1' }));
a.onLocalDescription((sdp, type) => b.setRemoteDescription(sdp, type));
b.onLocalDescription((sdp, type) => a.setRemoteDescription(sdp, type));
a.onLocalCandidate((candidate, mid) => b.addRemoteCandidate(candidate, mid));
b.onLocalCandidate((candidate, mid) => a.addRemoteCandidate(candidate, mid));
let theirs;
b.onDataChannel((channel) => { theirs = channel; });
const ours = a.createDataChannel('data');
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
for (let waited = 0; !(theirs && ours.isOpen()); waited += 10) {
  if (waited > 20_000) throw new Error('no connection');
  await pause(10);
}
let received = 0;
theirs.onMessage(() => { received += 1; });

const median = (values) => values.sort((x, y) => x - y)[values.length >> 1];
const seconds = [];
for (const [size, count] of SIZES) {
  const message = Buffer.alloc(size, 0x5a);
  const times = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const start = process.cpuUsage();
    received = 0;
    for (let sent = 0; sent < count;) {
      if (ours.bufferedAmount() < 1_000_000) {
        for (let burst = 0; burst < 64 && sent < count; burst += 1, sent += 1) ours.sendMessageBinary(message);
      }
      await pause(0);
    }
    while (received < count) await pause(1);
    const { user, system } = process.cpuUsage(start);
    if (round > 0) times.push((user + system) / 1e6);
  }
  seconds.push(median(times));
}
const [large, small] = seconds;
const [[largeSize, largeCount], [, smallCount]] = SIZES;
console.log(`| over loopback | libdatachannel (Node) | ${(largeSize * largeCount / 1e6 / large).toFixed(0)} | ${(smallCount / small).toFixed(0)} | ${(large / largeCount * 1e6).toFixed(2)} | ${(small / smallCount * 1e6).toFixed(3)} |`);
ours.close();
a.close();
b.close();
nodeDataChannel.cleanup();
