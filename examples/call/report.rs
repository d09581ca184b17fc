use avocet::ice::PairStats;
use avocet::net::{Path, Transport};
use avocet::peer::Stats;
use avocet::rtp::MediaKind;
use serde_json::{Value, json};

/// What a call's statistics say to a page or a test.
pub(crate) fn json(stats: &Stats) -> Value {
    let media = stats.media.as_ref();
    let inbound = media.map_or(&[][..], |media| &media.inbound);
    let outbound = media.map_or(&[][..], |media| &media.outbound);
    let received = |kind: MediaKind| -> u64 {
        inbound
            .iter()
            .filter(|stream| stream.kind == kind)
            .map(|stream| stream.packets_received)
            .sum()
    };
    let nominated = |pair: &&PairStats| pair.nominated;
    let pair = stats.candidate_pairs.iter().find(nominated);
    json!({
        "connectionState": format!("{:?}", stats.transport.connection_state),
        "dtlsVersion": stats.transport.tls_version.map(tls_version),
        "dtlsCarried": stats.transport.dtls_carried,
        "dtlsTimeouts": stats.dtls.map(|dtls| dtls.timeouts),
        "srtpProfile": stats.transport.srtp_cipher.map(srtp_profile),
        "roundTripTime": stats.transport.current_round_trip_time.map(|time| time.as_secs_f64()),
        "audioPacketsReceived": received(MediaKind::Audio),
        "videoPacketsReceived": received(MediaKind::Video),
        "packetsLost": inbound.iter().map(|stream| stream.packets_lost).sum::<i64>(),
        "packetsSent": outbound.iter().map(|stream| stream.packets_sent).sum::<u64>(),
        "nacksSent": inbound.iter().map(|stream| u64::from(stream.nack_count)).sum::<u64>(),
        "nacksReceived": outbound.iter().map(|stream| u64::from(stream.nack_count)).sum::<u64>(),
        "nacksAnswered": outbound.iter().map(|stream| stream.retransmitted_packets_sent).sum::<u64>(),
        "retransmissionsReceived": inbound.iter().map(|stream| stream.retransmitted_packets_received).sum::<u64>(),
        "keyframesRequested": inbound.iter().map(|stream| u64::from(stream.pli_count + stream.fir_count)).sum::<u64>(),
        "srtpFailures": stats.dropped.srtp,
        "path": pair.map(|pair| transport(&pair.path)),
        "relay": pair.is_some_and(|pair| {
            stats.relays.iter().any(|relay| relay.relayed.contains(&pair.path.local))
        }),
        "relayTransport": stats.relays.first().map(|relay| format!("{:?}", relay.transport)),
        "remoteHosts": stats
            .candidates
            .iter()
            .filter(|candidate| candidate.is_remote && !candidate.foundation.is_empty())
            .filter_map(|candidate| candidate.address)
            .map(|address| address.to_string())
            .collect::<Vec<_>>(),
    })
}

fn transport(path: &Path) -> &'static str {
    match path.transport {
        Transport::Udp => "udp",
        Transport::Stream(_) => "tcp",
    }
}

fn tls_version(number: u16) -> String {
    match number {
        0xfefd => "1.2".to_owned(),
        0xfefc => "1.3".to_owned(),
        other => format!("{other:#06x}"),
    }
}

fn srtp_profile(number: u16) -> String {
    match number {
        1 => "AES128_CM_SHA1_80".to_owned(),
        7 => "AEAD_AES_128_GCM".to_owned(),
        other => format!("{other:#06x}"),
    }
}
