use super::*;

fn epoch() -> Instant {
    // The one clock reading of these tests; only differences count.
    #[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
    Instant::now()
}

/// Runs a search on a path that carries `limit` bytes; the probes, and how long it took.
fn search(mtu: &mut PathMtu, now: &mut Instant, limit: usize) -> (Vec<usize>, Duration) {
    let start = *now;
    let mut probes = Vec::new();
    while !mtu.is_complete() {
        if let Some(size) = mtu.poll_probe(*now) {
            probes.push(size);
            if size <= limit {
                *now += Duration::from_millis(50);
                mtu.on_probe_acknowledged(*now, size);
            }
        } else {
            *now = mtu.poll_timeout().unwrap();
            mtu.handle_timeout(*now);
        }
    }
    (probes, *now - start)
}

fn on_ipv4() -> PathMtu {
    let mut mtu = PathMtu::new(PathMtuConfig::default());
    mtu.on_path(true, 0);
    mtu
}

/// M-2, M-3
#[test]
fn an_ethernet_path_is_found_with_one_probe_in_one_round_trip() {
    for (is_ipv4, largest) in [(true, 1_472), (false, 1_452)] {
        let mut mtu = PathMtu::new(PathMtuConfig::default());
        assert_eq!(mtu.datagram_bytes(), 1_200);
        assert_eq!(mtu.poll_probe(epoch()), None);
        mtu.on_path(is_ipv4, 0);
        let (probes, took) = search(&mut mtu, &mut epoch(), 9_000);
        assert_eq!(probes, [largest]);
        assert_eq!(took, Duration::from_millis(50));
        assert_eq!(mtu.datagram_bytes(), largest);
    }
}

/// M-2
#[test]
fn jumbo_frames_are_looked_for_only_when_asked_for() {
    let config = PathMtuConfig {
        ceiling: Some(8_972),
        ..PathMtuConfig::default()
    };
    let mut mtu = PathMtu::new(config);
    mtu.on_path(true, 0);
    search(&mut mtu, &mut epoch(), 8_972);
    assert_eq!(mtu.datagram_bytes(), 8_972);
}

/// M-3: three probes of a size, 15 s each.
#[test]
fn every_size_between_base_and_ceiling_is_found_to_within_20_bytes() {
    for limit in (1_200..=1_472).step_by(7) {
        let mut mtu = on_ipv4();
        let mut now = epoch();
        let (probes, _) = search(&mut mtu, &mut now, limit);
        assert!(mtu.datagram_bytes() <= limit, "{limit}: {probes:?}");
        assert!(
            mtu.datagram_bytes() + RESOLUTION + 4 > limit,
            "{limit}: {probes:?}"
        );
        for size in &probes {
            let count = probes.iter().filter(|probe| *probe == size).count();
            assert!(count <= usize::from(MAX_PROBES), "{limit}: {probes:?}");
        }
    }
}

#[test]
fn a_path_that_carries_the_base_only_costs_a_handful_of_probes() {
    let mut mtu = on_ipv4();
    let (probes, took) = search(&mut mtu, &mut epoch(), 1_200);
    assert_eq!(mtu.datagram_bytes(), 1_200);
    assert!(probes.len() <= 15, "{probes:?}");
    assert!(took <= Duration::from_secs(15 * 15));
}

/// M-3: black-hole detection on 3 lost full-size packets.
#[test]
fn three_full_packets_lost_in_a_row_bring_the_size_back_to_the_base() {
    let mut mtu = on_ipv4();
    let mut now = epoch();
    search(&mut mtu, &mut now, 1_472);
    mtu.on_packet_lost(1_472);
    mtu.on_packet_lost(1_472);
    mtu.on_packet_acknowledged(1_400);
    mtu.on_packet_lost(1_472);
    mtu.on_packet_lost(1_472);
    // Small ones say nothing about the size.
    mtu.on_packet_lost(900);
    assert_eq!(mtu.datagram_bytes(), 1_472);
    mtu.on_packet_lost(1_472);
    assert_eq!(mtu.datagram_bytes(), 1_200);
    search(&mut mtu, &mut now, 1_372);
    assert!((1_352..=1_372).contains(&mtu.datagram_bytes()));
}

/// M-3: confirmation after 600 s.
#[test]
fn a_size_is_looked_for_again_after_ten_minutes() {
    let mut mtu = on_ipv4();
    let mut now = epoch();
    search(&mut mtu, &mut now, 1_300);
    let found = mtu.datagram_bytes();
    let at = mtu.poll_timeout().unwrap();
    assert_eq!(at - now, Duration::from_secs(600));
    now = at;
    mtu.handle_timeout(now);
    assert_eq!(mtu.datagram_bytes(), found);
    search(&mut mtu, &mut now, 1_472);
    assert_eq!(mtu.datagram_bytes(), 1_472);
    // And a path that has shrunk meanwhile is noticed by the confirmation alone.
    now = mtu.poll_timeout().unwrap();
    mtu.handle_timeout(now);
    search(&mut mtu, &mut now, 1_200);
    assert_eq!(mtu.datagram_bytes(), 1_200);
}

/// M-4
#[test]
fn what_the_host_refuses_is_not_tried_again_and_forged_sizes_are_ignored() {
    let mut mtu = on_ipv4();
    let now = epoch();
    assert_eq!(mtu.poll_probe(now), Some(1_472));
    mtu.on_too_large(now, 1_472);
    assert!(mtu.wants_probe());
    assert!(mtu.poll_probe(now).unwrap() < 1_472);
    for size in [0, 576, 1_200, 65_535] {
        let before = mtu.clone();
        mtu.on_too_large(now, size);
        assert_eq!(mtu.datagram_bytes(), before.datagram_bytes());
        assert_eq!(mtu.poll_timeout(), before.poll_timeout());
    }
    mtu.on_probe_acknowledged(now, 9_000);
    assert_eq!(mtu.datagram_bytes(), 1_200);
}

/// M-5
#[test]
fn a_new_path_starts_from_the_base() {
    let mut mtu = on_ipv4();
    search(&mut mtu, &mut epoch(), 1_472);
    mtu.on_path(true, 0);
    assert_eq!(mtu.datagram_bytes(), 1_200);
    assert!(mtu.wants_probe());
    mtu.on_no_path();
    assert!(!mtu.wants_probe());
    assert_eq!(mtu.poll_timeout(), None);
}

/// M-1
#[test]
fn every_budget_follows_from_the_one_size() {
    let direct = PathBudget::direct(1_472);
    assert_eq!(direct.packet_bytes(true), 1_500);
    assert_eq!(PathBudget::direct(1_452).packet_bytes(false), 1_500);
    assert_eq!(direct.payload_bytes(), 1_472);
    assert_eq!(direct.record_bytes(37), 1_435);
    assert_eq!(direct.data_bytes(37), 1_407);
    assert_eq!(direct.media_bytes(20, 16), 1_436);
    for (relay_bytes, left) in [(4, 1_468), (36, 1_436)] {
        let relayed = PathBudget {
            relay_bytes,
            ..direct
        };
        assert_eq!(relayed.payload_bytes(), left);
    }
}
