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

/// Every key there is, with values of other types and beyond its range: the error names the key, and the line that it stands on.
#[test]
fn every_key_refuses_what_it_cannot_be_by_its_name_and_line() {
    const NUMBER: &[&str] = &["\"5\"", "1.5", "-1", "true", "9999999999999999", "[5]"];
    const FLAG: &[&str] = &["\"true\"", "1"];
    const TEXT: &[&str] = &["5", "true", "\"\"", "[\"a\"]"];
    const LIST: &[&str] = &["\"10.0.0.0/8\"", "[\"10.0.0.0/33\"]", "[\"x\"]", "[[]]"];
    const TABLE: &[&str] = &["5", "\"x\"", "[5]"];
    let tables: &[(&str, &[&str], &[&str])] = &[
        (
            "",
            &["tcp_relays", "mobility", "sha256", "log_addresses"],
            FLAG,
        ),
        ("", &["shards", "drain_seconds"], NUMBER),
        ("", &["realm", "metrics", "alternate"], TEXT),
        (
            "",
            &[
                "listen",
                "relay",
                "tls",
                "users",
                "secret",
                "peers",
                "limits",
                "discovery",
            ],
            TABLE,
        ),
        ("[[listen]]", &["transport", "address"], TEXT),
        ("[[relay]]", &["address", "public", "ports"], TEXT),
        ("[tls]", &["certificate", "key"], &["5", "true"]),
        ("[users]", &["alice"], TEXT),
        ("[[secret]]", &["value", "hash"], TEXT),
        ("[peers]", &["allow", "deny"], LIST),
        ("[discovery]", &["primary", "alternate"], TEXT),
        (
            "[limits]",
            &[
                "allocations",
                "allocations_per_user",
                "allocations_per_source",
                "permissions",
                "channels",
                "connections",
                "reservations",
                "streams",
                "stream_idle_seconds",
                "lifetime_seconds",
                "port_rest_seconds",
                "allocation_bytes_per_second",
                "user_bytes_per_second",
                "total_bytes_per_second",
                "stranger_answers_per_second",
                "stranger_bytes_per_second",
            ],
            NUMBER,
        ),
    ];
    let name = |table: &str, key: &str| {
        let table = table.trim_matches(['[', ']']);
        format!("{table}{}{key}", if table.is_empty() { "" } else { "." })
    };
    // What a table must have beside the key that is wrong.
    let fill = |table: &str, key: &str| match (table, key) {
        ("[[relay]]", "public" | "ports") => "address = \"10.0.0.5\"\n",
        _ => "",
    };
    let listener = "[[listen]]\ntransport = \"udp\"\naddress = \"0.0.0.0:3478\"\n";
    for (table, keys, values) in tables {
        for key in *keys {
            for value in *values {
                let line = format!("{key} = {value}\n");
                let text = match (*table, *key) {
                    ("", "listen") => line.clone(),
                    ("", _) => format!("{line}{listener}"),
                    (table, key) => format!("{listener}{table}\n{}{line}", fill(table, key)),
                };
                let error = Settings::parse(&text).unwrap_err();
                assert_eq!(error.key, name(table, key), "{text}: {error}");
                let at = text.lines().position(|it| it == line.trim_end()).unwrap() + 1;
                assert_eq!(error.line, at, "{text}: {error}");
                assert!(
                    error.to_string().starts_with(&format!("line {at}: ")),
                    "{error}"
                );
            }
        }
        // A key that nobody knows, in each of them.
        let known = fill(table, "ports");
        let text = match *table {
            "" => format!("unheard = 1\n{listener}"),
            "[users]" => continue,
            "[[listen]]" => format!("{listener}unheard = 1"),
            "[tls]" => format!("{listener}[tls]\ncertificate = \"a\"\nkey = \"b\"\nunheard = 1"),
            "[[secret]]" => format!("{listener}[[secret]]\nvalue = \"a\"\nunheard = 1"),
            // Its addresses are looked at first.
            "[discovery]" => continue,
            table => format!("{listener}{table}\n{known}unheard = 1"),
        };
        let error = Settings::parse(&text).unwrap_err();
        assert_eq!(error.key, name(table, "unheard"), "{text}: {error}");
        let at = text.lines().position(|it| it == "unheard = 1").unwrap() + 1;
        assert_eq!(error.line, at, "{text}: {error}");
    }
}

/// What is no TOML at all, keys that come twice, and values that fit by themselves but not together.
#[test]
fn what_does_not_fit_together_is_named_with_its_line_and_key() {
    let four = ["192.0.2.1:1", "192.0.2.1:2", "192.0.2.2:1", "192.0.2.2:2"];
    let listen =
        |address: &&str| format!("[[listen]]\ntransport = \"udp\"\naddress = \"{address}\"\n");
    let discovery = |addresses: &[&str], alternate: &str| {
        let listeners: String = addresses.iter().map(listen).collect();
        format!("{listeners}[discovery]\nprimary = \"192.0.2.1:1\"\nalternate = \"{alternate}\"\n")
    };
    assert!(Settings::parse(&discovery(&four, "192.0.2.2:2")).is_ok());
    for (text, line, key) in [
        ("realm = \"a\"\nrealm = \"b\"".to_owned(), 2, "realm"),
        ("realm = \"a\"\n[[listen]\n".to_owned(), 2, "TOML"),
        ("realm = \"a\"\nthis is no toml".to_owned(), 2, "TOML"),
        (discovery(&four, "192.0.2.2:1"), 15, "discovery.alternate"),
        (
            discovery(&four, "[2001:db8::1]:2"),
            15,
            "discovery.alternate",
        ),
        (discovery(&four, "0.0.0.0:2"), 15, "discovery.alternate"),
        (
            discovery(&four[..3], "192.0.2.2:2"),
            12,
            "discovery.alternate",
        ),
        (
            discovery(&four[1..], "192.0.2.2:2"),
            11,
            "discovery.primary",
        ),
    ] {
        let error = Settings::parse(&text).unwrap_err();
        assert_eq!((error.line, &*error.key), (line, key), "{text}: {error}");
    }
}
