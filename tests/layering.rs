//! The floor plan of ARCHITECTURE.md, held by a test that reads the manifests.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Every allowed edge between workspace crates, apart from `→ net`, which is always allowed.
const ALLOWED: &[(&str, &[&str])] = &[
    ("net", &[]),
    ("stun", &[]),
    ("dtls", &[]),
    ("sctp", &[]),
    ("sdp", &[]),
    ("rtp", &[]),
    ("congestion", &[]),
    ("netsim", &[]),
    ("turn", &["stun"]),
    ("ice", &["stun"]),
    ("srtp", &["rtp"]),
    ("rtcp", &["rtp"]),
    ("session", &["rtp", "rtcp", "congestion"]),
    ("media", &["rtp"]),
    (
        "peer",
        &[
            "stun",
            "turn",
            "ice",
            "dtls",
            "srtp",
            "sctp",
            "rtp",
            "rtcp",
            "sdp",
            "session",
            "congestion",
        ],
    ),
];

/// What only the driver may depend on.
const DRIVER_ONLY: &[&str] = &[
    "tokio",
    "mio",
    "socket2",
    "quinn-udp",
    "rustls",
    "tokio-rustls",
    "getrandom",
];

/// What stands between a machine and the system all the same: who makes the key of a certificate without `ring` (which
/// draws by itself) needs bytes from somewhere. No machine draws any.
const EXCEPTIONS: &[(&str, &str)] = &[("dtls", "getrandom")];

#[test]
fn no_crate_has_an_edge_that_the_floor_plan_does_not_draw() {
    let defects = manifests()
        .iter()
        .flat_map(|(name, text)| defects(name, text))
        .collect::<Vec<_>>();
    assert!(defects.is_empty(), "{}", defects.join("\n"));
}

#[test]
fn an_upward_edge_or_a_socket_below_the_driver_is_a_defect() {
    assert_eq!(
        defects("stun", "[dependencies]\nice.workspace = true\n").len(),
        1
    );
    assert_eq!(
        defects("ice", "[dependencies]\nturn = { path = \"../turn\" }\n").len(),
        1
    );
    assert_eq!(
        defects("ice", "[dependencies.turn]\npath = \"../turn\"\n").len(),
        1
    );
    assert_eq!(
        defects(
            "ice",
            "[build-dependencies]\nx = { package = \"avocet-turn\" }\n"
        )
        .len(),
        1
    );
    assert_eq!(
        defects("peer", "[target.'cfg(unix)'.dependencies]\ntokio = \"1\"\n").len(),
        1
    );
    assert_eq!(
        defects("peer", "[dev-dependencies]\ntokio = \"1\"\n").len(),
        1
    );
    assert_eq!(
        defects("ice", "[dependencies]\ngetrandom.workspace = true\n").len(),
        1
    );
    assert_eq!(
        defects("ice", "[dependencies]\nnetsim.workspace = true\n").len(),
        1
    );
    assert_eq!(
        defects("ice", "[dev-dependencies]\nnetsim.workspace = true\n").len(),
        0
    );
    assert_eq!(
        defects(
            "ice",
            "[dependencies]\nnet.workspace = true\nstun.workspace = true\n"
        )
        .len(),
        0
    );
}

#[test]
fn every_workspace_member_stands_in_the_floor_plan() {
    let root = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = root
        .split("members = [")
        .nth(1)
        .unwrap()
        .split(']')
        .next()
        .unwrap();
    let members: Vec<_> = members.split('"').skip(1).step_by(2).collect();
    let planned: Vec<_> = ALLOWED.iter().map(|(name, _)| *name).collect();
    for member in &members {
        assert!(
            planned.contains(member),
            "{member} is not in the floor plan"
        );
    }
    assert_eq!(members.len(), planned.len());
}

#[test]
fn no_crate_opts_out_of_the_workspace_lints() {
    for (name, text) in manifests() {
        assert!(
            text.contains("[lints]\nworkspace = true"),
            "{name} does not inherit the lints"
        );
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn manifests() -> BTreeMap<&'static str, String> {
    let read = |name: &str| fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
    ALLOWED
        .iter()
        .map(|(name, _)| (*name, read(name)))
        .collect()
}

/// The forbidden edges in one manifest, a sentence each.
fn defects(name: &str, manifest: &str) -> Vec<String> {
    let allowed = ALLOWED
        .iter()
        .find(|(n, _)| *n == name)
        .map_or(&[][..], |(_, a)| a);
    let ours = |dep: &str| ALLOWED.iter().any(|(n, _)| *n == dep);
    let mut found = Vec::new();
    for (section, dependency) in dependencies(manifest) {
        let dev = section.contains("dev-dependencies");
        let dependency = dependency
            .strip_prefix("avocet-")
            .unwrap_or(&dependency)
            .to_owned();
        if EXCEPTIONS.contains(&(name, dependency.as_str())) {
            continue;
        }
        if DRIVER_ONLY.contains(&dependency.as_str()) {
            found.push(format!(
                "{name} depends on {dependency}, which belongs to the driver"
            ));
        } else if ours(&dependency) {
            let fine = dependency == "net"
                || allowed.contains(&dependency.as_str())
                || (dev && (dependency == "netsim" || dependency == name));
            if !fine {
                found.push(format!("{name} -> {dependency} is not in the floor plan"));
            }
        }
    }
    found
}

/// Section and package name of every dependency of a manifest, whichever way it is written.
fn dependencies(manifest: &str) -> Vec<(String, String)> {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']').to_owned();
            if let Some((kind, name)) = section.rsplit_once('.')
                && kind.ends_with("dependencies")
            {
                found.push((kind.to_owned(), name.to_owned()));
            }
        } else if section.ends_with("dependencies")
            && !line.starts_with('#')
            && let Some((key, value)) = line.split_once('=')
        {
            let key = key
                .trim()
                .split('.')
                .next()
                .unwrap_or_default()
                .trim_matches('"');
            let package = value
                .split("package = \"")
                .nth(1)
                .and_then(|rest| rest.split('"').next());
            found.push((section.clone(), package.unwrap_or(key).to_owned()));
        }
    }
    found
}
