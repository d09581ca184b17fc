use proptest::prelude::*;

use super::*;

const CHROMIUM: &str = "candidate:1391846872 1 udp 2113937151 192.0.2.2 35480 typ host generation 0 ufrag wJ4c network-id 1 network-cost 50";
const FIREFOX: &str = "candidate:0 1 UDP 2122252543 192.0.2.2 45470 typ host";

#[test]
fn a_line_of_chromium_is_read_and_written_again() {
    let candidate: Candidate = CHROMIUM.parse().unwrap();
    assert_eq!(candidate.kind(), CandidateKind::Host);
    assert_eq!(candidate.address(), Some(([192, 0, 2, 2], 35480).into()));
    assert_eq!(candidate.priority(), 2_113_937_151);
    assert_eq!(candidate.ufrag(), Some("wJ4c"));
    assert_eq!(candidate.extension("network-cost"), Some("50"));
    assert_eq!(candidate.to_string(), CHROMIUM);
    let bare: Candidate = CHROMIUM.trim_start_matches("candidate:").parse().unwrap();
    assert_eq!(bare, candidate);
}

#[test]
fn a_line_of_firefox_is_read() {
    let candidate: Candidate = FIREFOX.parse().unwrap();
    assert_eq!(candidate.transport(), CandidateTransport::Udp);
    assert_eq!(candidate.foundation(), "0");
}

#[test]
fn names_tcp_and_related_addresses_are_read_and_written_again() {
    for line in [
        "candidate:1 1 udp 2113937151 9b36eaac-bb2e-49bb-bb78-21c41c499900.local 1000 typ host generation 0",
        "candidate:2 1 tcp 1518280447 192.0.2.2 9 typ host tcptype active generation 0",
        "candidate:3 1 udp 1677729535 2001:db8::1 4 typ srflx raddr 0.0.0.0 rport 0 generation 0",
        "candidate:4 1 udp 33562367 198.51.100.1 50000 typ relay raddr 192.0.2.9 rport 1024",
    ] {
        let candidate: Candidate = line.parse().unwrap();
        assert_eq!(candidate.to_string(), line);
    }
    let name: Candidate = "1 1 udp 1 a.local 5 typ host".parse().unwrap();
    assert_eq!(name.address(), None);
    assert_eq!(name.host_name(), Some(("a.local", 5)));
}

#[test]
fn malformed_lines_are_errors() {
    use ParseCandidateError::*;
    let long = format!("{CHROMIUM} {}", "x ".repeat(600));
    let many = format!("{FIREFOX} {}", "a b ".repeat(33));
    for (line, error) in [
        ("", Empty),
        ("candidate:", Empty),
        (long.as_str(), TooLong),
        (many.as_str(), TooLong),
        (
            "candidate:1 1 udp 1 192.0.2.2 1 typ host\r\na=x y",
            Character,
        ),
        (
            "candidate:!! 1 udp 1 192.0.2.2 1 typ host",
            Field("foundation"),
        ),
        (
            "candidate:1 0 udp 1 192.0.2.2 1 typ host",
            Field("component"),
        ),
        (
            "candidate:1 257 udp 1 192.0.2.2 1 typ host",
            Field("component"),
        ),
        (
            "candidate:1 1 sctp 1 192.0.2.2 1 typ host",
            UnknownTransport,
        ),
        (
            "candidate:1 1 udp 4294967296 192.0.2.2 1 typ host",
            Field("priority"),
        ),
        (
            "candidate:1 1 udp 1 192.0.2.2;rm 1 typ host",
            Field("address"),
        ),
        (
            "candidate:1 1 udp 1 192.0.2.2 65536 typ host",
            Field("port"),
        ),
        ("candidate:1 1 udp 1 192.0.2.2 1 type host", Field("typ")),
        ("candidate:1 1 udp 1 192.0.2.2 1 typ martian", UnknownType),
        (
            "candidate:1 1 udp 1 192.0.2.2 1 typ host generation",
            Field("extension"),
        ),
        ("candidate:1 1 tcp 1 192.0.2.2 1 typ host", Field("tcptype")),
        ("candidate:1 1 udp 1 192.0.2.2", Field("port")),
    ] {
        assert_eq!(line.parse::<Candidate>(), Err(error), "{line:.60}");
    }
}

/// I-36: a foundation has 1 to 32 characters; an active candidate has port 9, or 0 as some write it; what is not
/// understood is kept in its order.
#[test]
fn the_bounds_of_a_line_are_those_of_rfc_8839_and_6544() {
    let with = |foundation: &str| format!("candidate:{foundation} 1 udp 1 192.0.2.2 1 typ host");
    assert!(with(&"a".repeat(32)).parse::<Candidate>().is_ok());
    for wrong in [String::new(), "a".repeat(33), "a-b".to_owned()] {
        assert!(with(&wrong).parse::<Candidate>().is_err(), "{wrong}");
    }
    for port in [9, 0] {
        let line = format!("candidate:2 1 tcp 1518280447 192.0.2.2 {port} typ host tcptype active");
        let candidate: Candidate = line.parse().unwrap();
        assert_eq!(
            candidate.transport(),
            CandidateTransport::Tcp(TcpType::Active)
        );
        assert_eq!(candidate.to_string(), line);
    }
    let line = format!("{FIREFOX} x-one 1 network-cost 10 x-two 2 generation 7");
    let candidate: Candidate = line.parse().unwrap();
    assert_eq!(candidate.extension("x-two"), Some("2"));
    assert!(
        candidate
            .to_string()
            .ends_with("x-one 1 network-cost 10 x-two 2 generation 7")
    );
}

#[test]
fn every_truncation_of_a_line_is_an_error_or_a_shorter_candidate() {
    for end in 0..CHROMIUM.len() {
        if let Ok(candidate) = CHROMIUM[..end].parse::<Candidate>() {
            assert!(end >= "candidate:1391846872 1 udp 2113937151 192.0.2.2 35480 typ host".len());
            assert!(candidate.extensions.len() <= 4);
        }
    }
}

#[test]
fn priorities_are_those_of_rfc_8445() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../../testdata/ice/priorities.json")).unwrap();
    for case in vectors["candidate"].as_array().unwrap() {
        let kind = match case["type"].as_str().unwrap() {
            "host" => CandidateKind::Host,
            "prflx" => CandidateKind::PeerReflexive,
            "srflx" => CandidateKind::ServerReflexive,
            _ => CandidateKind::Relayed,
        };
        let number = |name: &str| case[name].as_u64().unwrap();
        assert_eq!(number("type_pref"), u64::from(kind.type_preference()));
        let local = number("local_pref").try_into().unwrap();
        let component = number("component").try_into().unwrap();
        assert_eq!(
            u64::from(priority(kind, local, component)),
            number("priority")
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_a_candidate_that_round_trips_or_an_error(text in "\\PC{0,80}") {
        if let Ok(candidate) = text.parse::<Candidate>() {
            prop_assert_eq!(candidate.to_string().parse::<Candidate>(), Ok(candidate));
        }
    }

    #[test]
    fn candidates_of_any_shape_round_trip(
        foundation in "[A-Za-z0-9+/]{1,32}",
        component in 1_u16..=256,
        priority in 0_u32..=0x7fff_ffff,
        ip: IpAddr,
        port: u16,
        kind in "host|srflx|prflx|relay",
        extensions in "( [a-z-]{1,9} [!-~]{1,9}){0,4}",
    ) {
        let line = format!("candidate:{foundation} {component} udp {priority} {} {port} typ {kind}{extensions}", ip.to_canonical());
        let candidate: Candidate = line.parse().unwrap();
        prop_assert_eq!(candidate.to_string().parse::<Candidate>(), Ok(candidate));
    }
}
