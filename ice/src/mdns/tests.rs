use super::*;

fn epoch() -> Instant {
    // The one clock reading of these tests; only differences count.
    #[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
    Instant::now()
}

/// Moves everything that one has to say to the other; how many messages.
fn exchange(now: Instant, from: &mut Mdns, to: &mut Mdns) -> usize {
    let mut count = 0;
    let mut buf = Vec::new();
    while let Some(transmit) = from.poll_transmit(now, &mut buf) {
        let path = Path::udp(transmit.path.remote, ([192, 0, 2, 50], PORT).into());
        to.handle_datagram(now, Datagram::new(path, &mut buf));
        buf.clear();
        count += 1;
    }
    count
}

/// I-30
#[test]
fn a_name_that_one_registers_the_other_resolves() {
    let now = epoch();
    for ip in ["192.0.2.7", "2001:db8::7"] {
        let address: IpAddr = ip.parse().unwrap();
        let (mut ours, mut theirs) = (Mdns::new(), Mdns::new());
        let name = unique_name([0xa7; 16]);
        assert!(theirs.register(&name, address));
        assert!(is_resolvable(&name), "{name}");
        assert_eq!(name.as_bytes()[14], b'4');
        assert!(ours.resolve(now, &name.to_ascii_uppercase()));
        assert_eq!(exchange(now, &mut ours, &mut theirs), 1);
        assert_eq!(exchange(now, &mut theirs, &mut ours), 1);
        assert_eq!(ours.poll_event(), Some(Event::Resolved { name, address }));
        assert_eq!(ours.poll_timeout(), None);
    }
}

/// I-30
#[test]
fn a_name_that_nobody_answers_for_fails_after_two_questions() {
    let mut now = epoch();
    let start = now;
    let mut ours = Mdns::new();
    assert!(ours.resolve(now, "nobody.local"));
    let mut sent = 0;
    let mut buf = Vec::new();
    let failed = loop {
        while ours.poll_transmit(now, &mut buf).is_some() {
            sent += 1;
        }
        if let Some(event) = ours.poll_event() {
            break event;
        }
        now = ours.poll_timeout().unwrap();
        ours.handle_timeout(now);
    };
    let name = "nobody.local".to_owned();
    assert_eq!(failed, Event::Failed { name });
    assert_eq!((sent, now - start), (2, Duration::from_secs(2)));
    assert_eq!(ours.poll_timeout(), None);
}

/// I-12 of the catalogue
#[test]
fn a_responder_answers_for_its_own_names_only_and_once_a_second() {
    let now = epoch();
    let (mut ours, mut theirs) = (Mdns::new(), Mdns::new());
    let name = unique_name([1; 16]);
    assert!(ours.register(&name, [192, 0, 2, 7].into()));
    assert!(theirs.resolve(now, "printer.local"));
    exchange(now, &mut theirs, &mut ours);
    assert_eq!(exchange(now, &mut ours, &mut theirs), 0);
    let mut query = Vec::new();
    wire::encode_query(&mut query, &name);
    for _ in 0..1_000 {
        let path = Path::udp(
            ([192, 0, 2, 7], PORT).into(),
            ([192, 0, 2, 66], PORT).into(),
        );
        ours.handle_datagram(now, Datagram::new(path, &mut query.clone()));
    }
    assert_eq!(exchange(now, &mut ours, &mut theirs), 1);
    assert_eq!(ours.stats().answers_suppressed, 999);
    let later = now + Duration::from_secs(1);
    let path = Path::udp(
        ([192, 0, 2, 7], PORT).into(),
        ([192, 0, 2, 66], PORT).into(),
    );
    let before = later - Duration::from_millis(1);
    ours.handle_datagram(before, Datagram::new(path, &mut query.clone()));
    assert_eq!(exchange(before, &mut ours, &mut theirs), 0);
    ours.handle_datagram(later, Datagram::new(path, &mut query));
    assert_eq!(exchange(later, &mut ours, &mut theirs), 1);
    ours.unregister(&name);
    assert!(theirs.resolve(now, &name));
    exchange(later, &mut theirs, &mut ours);
    assert_eq!(exchange(later + ANSWER_PAUSE, &mut ours, &mut theirs), 0);
}

/// I-12 of the catalogue
#[test]
fn answers_that_nobody_asked_for_and_names_of_the_dns_have_no_effect() {
    let now = epoch();
    let mut ours = Mdns::new();
    for name in [
        "example.com",
        "a.b.local",
        ".local",
        "local",
        "a_b.local",
        "",
    ] {
        assert!(!ours.resolve(now, name), "{name}");
    }
    let mut answer = Vec::new();
    wire::encode_answer(&mut answer, "other.local", [192, 0, 2, 9].into());
    let path = Path::udp(
        ([192, 0, 2, 7], PORT).into(),
        ([192, 0, 2, 66], PORT).into(),
    );
    ours.handle_datagram(now, Datagram::new(path, &mut answer));
    assert_eq!(ours.poll_event(), None);
    let mut noise = [0xff; 40];
    ours.handle_datagram(now, Datagram::new(path, &mut noise));
    assert_eq!(ours.stats().malformed, 1);
    assert_eq!(ours.poll_transmit(now, &mut Vec::new()), None);
}

#[test]
fn names_beyond_the_caps_are_refused() {
    let now = epoch();
    let mut ours = Mdns::new();
    for number in 0..MAX_ASKED {
        assert!(ours.resolve(now, &format!("n{number}.local")));
        assert!(ours.register(&format!("o{number}.local"), [192, 0, 2, 7].into()));
    }
    assert!(!ours.resolve(now, "one-more.local"));
    assert!(!ours.register("one-more.local", [192, 0, 2, 7].into()));
    // One that is asked for already is fine.
    assert!(ours.resolve(now, "n0.local"));
}
