//! The flags of the runner.

/// What the runner wants us to be.
#[derive(Debug, Default)]
pub struct Flags {
    pub port: u16,
    pub shim_id: u64,
    pub ipv6: bool,
    pub server: bool,
    pub key_file: Option<String>,
    pub cert_file: Option<String>,
    pub mtu: Option<usize>,
    pub verify_peer: bool,
    pub verify_fail: bool,
    pub custom_verify: bool,
    pub require_client_certificate: bool,
    pub psk: Option<String>,
    pub psk_identity: String,
    pub initial_timeout_ms: u64,
    pub min_version: u16,
    pub max_version: u16,
    pub no_tls12: bool,
    pub no_tls13: bool,
    pub srtp_profiles: Option<String>,
    pub advertise_alpn: Option<String>,
    pub select_alpn: Option<String>,
    pub expect_alpn: Option<String>,
    pub expect_advertised_alpn: Option<String>,
    pub decline_alpn: bool,
    pub reject_alpn: bool,
    pub cipher: Option<String>,
    pub shim_writes_first: bool,
    pub shim_shuts_down: bool,
    pub check_close_notify: bool,
    pub export_length: usize,
    pub export_label: String,
    pub export_context: String,
    pub use_export_context: bool,
    pub send_alert: bool,
    pub expect_version: u16,
    pub expect_cipher: u16,
    pub expect_peer_cert_file: Option<String>,
    pub expect_no_peer_cert: bool,
    pub curves: Vec<u16>,
    pub key_update: bool,
    pub key_update_before_read: bool,
}

impl Flags {
    /// Reads the arguments; the error is the first flag that is not for us.
    pub fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut flags = Self {
            initial_timeout_ms: 400,
            ..Self::default()
        };
        let mut rest = arguments.iter();
        while let Some(flag) = rest.next() {
            let mut text = || {
                rest.next()
                    .cloned()
                    .ok_or(format!("{flag} without a value"))
            };
            match flag.as_str() {
                "-port" => flags.port = number(&text()?)?,
                "-shim-id" => flags.shim_id = number(&text()?)?,
                "-ipv6" => flags.ipv6 = true,
                "-server" => flags.server = true,
                // We do nothing else, and we never block within a step.
                "-dtls" | "-async" | "-implicit-handshake" => {}
                // There is no other way in which these could be done.
                "-no-ticket"
                | "-use-old-client-cert-callback"
                | "-expect-extended-master-secret"
                | "-expect-secure-renegotiation"
                | "-server-preference"
                | "-no-tls1"
                | "-no-tls11"
                | "-use-early-callback"
                | "-expect-no-session"
                | "-handshake-twice"
                | "-no-op-extra-handshake"
                | "-expect-no-session-id"
                | "-expect-no-server-name"
                | "-permute-extensions"
                | "-renegotiate-ignore" => {}
                // What is trusted is decided by the flags that say whether verification fails.
                "-trust-cert" => drop(text()?),
                // Our own limit is smaller; and we verify all that we can.
                "-max-cert-list" | "-verify-prefs" => drop(text()?),
                "-key-file" => flags.key_file = Some(text()?),
                "-cert-file" => flags.cert_file = Some(text()?),
                "-mtu" => flags.mtu = Some(number(&text()?)?),
                "-verify-peer" => flags.verify_peer = true,
                "-verify-fail" => flags.verify_fail = true,
                "-use-custom-verify-callback" => flags.custom_verify = true,
                "-require-any-client-certificate" => flags.require_client_certificate = true,
                "-psk" => flags.psk = Some(text()?),
                "-psk-identity" => flags.psk_identity = text()?,
                "-initial-timeout-duration-ms" => flags.initial_timeout_ms = number(&text()?)?,
                "-min-version" => flags.min_version = number(&text()?)?,
                "-max-version" => flags.max_version = number(&text()?)?,
                "-no-tls12" => flags.no_tls12 = true,
                "-no-tls13" => flags.no_tls13 = true,
                "-srtp-profiles" => flags.srtp_profiles = Some(text()?),
                "-advertise-alpn" => flags.advertise_alpn = Some(text()?),
                "-select-alpn" => flags.select_alpn = Some(text()?),
                "-expect-alpn" => flags.expect_alpn = Some(text()?),
                "-expect-advertised-alpn" => flags.expect_advertised_alpn = Some(text()?),
                "-decline-alpn" => flags.decline_alpn = true,
                "-reject-alpn" => flags.reject_alpn = true,
                "-cipher" => flags.cipher = Some(text()?),
                "-shim-writes-first" => flags.shim_writes_first = true,
                "-shim-shuts-down" => flags.shim_shuts_down = true,
                "-check-close-notify" => flags.check_close_notify = true,
                "-export-keying-material" => flags.export_length = number(&text()?)?,
                "-export-label" => flags.export_label = text()?,
                "-export-context" => flags.export_context = text()?,
                "-use-export-context" => flags.use_export_context = true,
                "-send-alert" => flags.send_alert = true,
                "-expect-version" => flags.expect_version = number(&text()?)?,
                "-expect-cipher" => flags.expect_cipher = number(&text()?)?,
                "-expect-peer-cert-file" => flags.expect_peer_cert_file = Some(text()?),
                "-expect-no-peer-cert" => flags.expect_no_peer_cert = true,
                "-key-update" => flags.key_update = true,
                "-key-update-before-read" => flags.key_update_before_read = true,
                "-curves" => flags.curves.push(number(&text()?)?),
                _ => return Err(flag.clone()),
            }
        }
        Ok(flags)
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}
