use super::*;

const WHOLE: &str = r#"
realm = "example.org"
shards = 2
metrics = "127.0.0.1:9641"

[[listen]]
transport = "udp"
address = "0.0.0.0:3478"

[[listen]]
transport = "tls"
address = "[::]:5349"

[[relay]]
address = "10.0.0.5"
public = "203.0.113.7"
ports = "50000-50999"

[tls]
certificate = "chain.pem"
key = "key.pem"

[users]
alice = "secret"
"bob@example.org" = "other"

[[secret]]
value = "shared"
hash = "sha256"

[peers]
allow = ["10.0.0.0/8"]
deny = ["8.8.8.8", "2001:db8::/32"]

[limits]
allocations_per_user = 5
user_bytes_per_second = 1_000_000
"#;

#[test]
fn a_whole_file_is_read() {
    let settings = Settings::parse(WHOLE).unwrap();
    assert_eq!(settings.realm, "example.org");
    assert_eq!(settings.listeners.len(), 2);
    assert_eq!(settings.listeners[1].transport, ListenerTransport::Tls);
    assert_eq!(settings.relays[0].ports, 50_000..=50_999);
    assert_eq!(settings.credentials.users.len(), 2);
    assert_eq!(settings.limits.allocations_per_user, 5);
    assert_eq!(settings.limits.user_rate.unwrap().per_second, 1_000_000);
    assert_eq!(settings.limits.channels, 50);
    assert_eq!(settings.peers.deny.len(), 2);
    assert_eq!(settings.shards, 2);
    assert!(!format!("{settings:?}").contains("secret\""));
}

/// Each line of the file spoilt in its own way: the error names the line and the key.
#[test]
fn every_mistake_is_named_with_its_line_and_key() {
    let cases = [
        ("realm = \"example.org\"", "realm = 5", "realm"),
        ("realm = \"example.org\"", "realm = \"a:b\"", "realm"),
        ("shards = 2", "shards = -1", "shards"),
        ("shards = 2", "shads = 2", "shads"),
        (
            "metrics = \"127.0.0.1:9641\"",
            "metrics = \"9641\"",
            "metrics",
        ),
        (
            "transport = \"udp\"",
            "transport = \"sctp\"",
            "listen.transport",
        ),
        (
            "address = \"0.0.0.0:3478\"",
            "address = \"0.0.0.0\"",
            "listen.address",
        ),
        (
            "address = \"10.0.0.5\"",
            "address = \"0.0.0.0\"",
            "relay.address",
        ),
        (
            "public = \"203.0.113.7\"",
            "public = \"::1\"",
            "relay.public",
        ),
        (
            "ports = \"50000-50999\"",
            "ports = \"80-90\"",
            "relay.ports",
        ),
        ("key = \"key.pem\"", "keys = \"key.pem\"", "tls.key"),
        ("alice = \"secret\"", "alice = \"\"", "users.alice"),
        ("hash = \"sha256\"", "hash = \"md5\"", "secret.hash"),
        ("value = \"shared\"", "value = \"\"", "secret.value"),
        (
            "allow = [\"10.0.0.0/8\"]",
            "allow = [\"10.0.0.1/8\"]",
            "peers.allow",
        ),
        (
            "deny = [\"8.8.8.8\", \"2001:db8::/32\"]",
            "deny = [5]",
            "peers.deny",
        ),
        (
            "allocations_per_user = 5",
            "allocations_per_user = 0",
            "limits.allocations_per_user",
        ),
        (
            "user_bytes_per_second = 1_000_000",
            "user_bytes_per_second = 5",
            "limits.user_bytes_per_second",
        ),
        (
            "user_bytes_per_second = 1_000_000",
            "per_second = 5",
            "limits.per_second",
        ),
        ("shards = 2", "shards = 2 2", "shards"),
        ("realm = \"example.org\"", "realm = \"example.org", "realm"),
    ];
    for (good, bad, key) in cases {
        let text = WHOLE.replacen(good, bad, 1);
        let error = Settings::parse(&text).unwrap_err();
        let line = text.lines().position(|line| line.contains(bad)).unwrap() + 1;
        assert_eq!(error.key, key, "{bad}: {error}");
        // What is missing is missing in its table, which begins above.
        let expected = if bad.starts_with("keys") {
            line - 2
        } else {
            line
        };
        assert_eq!(error.line, expected, "{bad}: {error}");
    }
}

#[test]
fn what_a_server_cannot_do_without_is_asked_for() {
    for (text, key) in [
        ("", "listen"),
        (
            "[[listen]]\ntransport = \"tls\"\naddress = \"0.0.0.0:443\"",
            "tls",
        ),
        ("[[listen]]\ntransport = \"udp\"", "listen.address"),
        (
            "[[listen]]\ntransport = \"udp\"\naddress = \"0.0.0.0:1\"\n[users]\na = \"b\"",
            "realm",
        ),
        (
            "realm = \"a\"\n[[listen]]\ntransport = \"udp\"\naddress = \"0.0.0.0:1\"\n[users]\na = \"b\"",
            "relay",
        ),
    ] {
        let error = Settings::parse(text).unwrap_err();
        assert_eq!((&*error.key, &*error.what), (key, "is missing"));
    }
    // A STUN server needs nothing but an address.
    let stun = "[[listen]]\ntransport = \"udp\"\naddress = \"0.0.0.0:3478\"";
    assert!(Settings::parse(stun).unwrap().credentials.users.is_empty());
}
