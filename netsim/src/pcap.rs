use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs};

use crate::network::Packet;
use crate::since_epoch;

/// The environment variable that names the directory for the captures of failed runs.
const VARIABLE: &str = "NETSIM_PCAP";

/// LINKTYPE_RAW: packets begin with their IP header.
const LINKTYPE_RAW: u32 = 101;

/// Whether failed runs leave a capture behind.
pub(crate) fn is_wanted() -> bool {
    env::var_os(VARIABLE).is_some()
}

/// Writes the packets of a failed run, named after the test that failed. A capture that cannot be written is
/// left out: the failure itself is what matters.
pub(crate) fn write_failure(packets: &[Packet]) {
    static SERIAL: AtomicU32 = AtomicU32::new(0);
    let Some(directory) = env::var_os(VARIABLE) else {
        return;
    };
    if packets.is_empty() {
        return;
    }
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("unnamed").replace("::", ".");
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let directory = std::path::PathBuf::from(directory);
    let written = fs::create_dir_all(&directory).and_then(|()| {
        fs::write(
            directory.join(format!("{test}.{serial}.pcap")),
            encode(packets),
        )
    });
    drop(written);
}

/// A capture file (pcap, nanoseconds) of packets as they were sent.
pub(crate) fn encode(packets: &[Packet]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(0xa1b2_3c4d_u32.to_be_bytes());
    file.extend([0, 2, 0, 4]);
    file.extend([0; 8]);
    file.extend(65_535_u32.to_be_bytes());
    file.extend(LINKTYPE_RAW.to_be_bytes());
    for packet in packets {
        let time = since_epoch(packet.sent);
        let frame = frame(packet);
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes();
        file.extend(
            u32::try_from(time.as_secs())
                .unwrap_or(u32::MAX)
                .to_be_bytes(),
        );
        file.extend(time.subsec_nanos().to_be_bytes());
        file.extend(length);
        file.extend(length);
        file.extend(frame);
    }
    file
}

/// IP and UDP headers before the payload. Checksums are left zero, which analysers take as "not computed".
fn frame(packet: &Packet) -> Vec<u8> {
    let udp_length = u16::try_from(packet.bytes.len() + 8).unwrap_or(u16::MAX);
    let class = packet.dscp.get() << 2 | packet.ecn.bits();
    let mut frame = Vec::with_capacity(packet.ip_size());
    match (packet.path.local, packet.path.remote) {
        (SocketAddr::V4(from), SocketAddr::V4(to)) => {
            frame.extend([0x45, class]);
            frame.extend(udp_length.saturating_add(20).to_be_bytes());
            frame.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
            frame.extend(from.ip().octets());
            frame.extend(to.ip().octets());
        }
        (from, to) => {
            frame.extend([0x60 | class >> 4, class << 4, 0, 0]);
            frame.extend(udp_length.to_be_bytes());
            frame.extend([17, 64]);
            for address in [from, to] {
                let octets = match address {
                    SocketAddr::V4(address) => address.ip().to_ipv6_mapped().octets(),
                    SocketAddr::V6(address) => address.ip().octets(),
                };
                frame.extend(octets);
            }
        }
    }
    frame.extend(packet.path.local.port().to_be_bytes());
    frame.extend(packet.path.remote.port().to_be_bytes());
    frame.extend(udp_length.to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(&packet.bytes);
    frame
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use net::{Ecn, Path};

    use super::*;
    use crate::at;

    #[test]
    fn a_capture_holds_each_packet_behind_ip_and_udp_headers() {
        let v4 = Path::udp(([10, 0, 0, 1], 1000).into(), ([10, 0, 0, 2], 2000).into());
        let v6 = Path::udp(
            SocketAddr::new("fd00::1".parse().unwrap(), 1000),
            SocketAddr::new("fd00::2".parse().unwrap(), 2000),
        );
        let mut first = Packet::new(v4, at(Duration::from_millis(1_500)), vec![0xaa; 5]);
        first.ecn = Ecn::Ce;
        let second = Packet::new(v6, at(Duration::from_secs(2)), vec![0xbb; 6]);
        let file = encode(&[first, second]);

        let (header, records) = file.split_at(24);
        assert_eq!(header[..4], [0xa1, 0xb2, 0x3c, 0x4d]);
        assert_eq!(header[20..], LINKTYPE_RAW.to_be_bytes());
        let (first, second) = records.split_at(16 + 33);
        assert_eq!(first[..8], [0, 0, 0, 1, 0x1d, 0xcd, 0x65, 0]);
        assert_eq!(first[8..16], [0, 0, 0, 33, 0, 0, 0, 33]);
        assert_eq!(first[16..20], [0x45, 0b11, 0, 33]);
        assert_eq!(first[28..36], [10, 0, 0, 1, 10, 0, 0, 2]);
        assert_eq!(first[36..44], [0x03, 0xe8, 0x07, 0xd0, 0, 13, 0, 0]);
        assert_eq!(first[44..], [0xaa; 5]);
        assert_eq!(second.len(), 16 + 40 + 8 + 6);
        assert_eq!(second[16], 0x60);
        assert_eq!(second[20..24], [0, 14, 17, 64]);
        assert_eq!(second[64..], [0xbb; 6]);
    }
}
