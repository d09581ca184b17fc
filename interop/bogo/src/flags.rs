//! The flags of the runner.

/// A key for import (RFC 9258).
#[derive(Clone, Debug, Default)]
pub struct ImportedKey {
    pub key: Vec<u8>,
    pub identity: Vec<u8>,
    pub context: Vec<u8>,
    pub is_sha384: bool,
}

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
    /// Keys for import, in their order.
    pub imported: Vec<ImportedKey>,
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
    pub no_ticket: bool,
    pub resume_count: usize,
    pub expect_session_miss: bool,
    pub expect_no_session: bool,
    pub expect_ticket_renewal: bool,
    pub reverify_on_resume: bool,
}

impl Flags {
    /// Reads the arguments: what the first connection is to be, and what those are that go on from it. The error is
    /// the first flag that is not for us.
    pub fn parse(arguments: &[String]) -> Result<(Self, Self), String> {
        let fresh = || Self {
            initial_timeout_ms: 400,
            ..Self::default()
        };
        let (mut initial, mut resumed) = (fresh(), fresh());
        let mut rest = arguments.iter();
        while let Some(flag) = rest.next() {
            if let Some(flag) = flag.strip_prefix("-on-initial") {
                initial.apply(flag, &mut rest)?;
            } else if let Some(flag) = flag.strip_prefix("-on-resume") {
                resumed.apply(flag, &mut rest)?;
            } else {
                initial.apply(flag, &mut rest.clone())?;
                resumed.apply(flag, &mut rest)?;
            }
        }
        Ok((initial, resumed))
    }

    /// The key that is being described.
    fn imported(&mut self) -> Result<&mut ImportedKey, String> {
        self.imported.last_mut().ok_or("no key is described".into())
    }

    fn apply(&mut self, flag: &str, rest: &mut std::slice::Iter<'_, String>) -> Result<(), String> {
        let mut text = || {
            rest.next()
                .cloned()
                .ok_or(format!("{flag} without a value"))
        };
        match flag {
            "-port" => self.port = number(&text()?)?,
            "-shim-id" => self.shim_id = number(&text()?)?,
            "-ipv6" => self.ipv6 = true,
            "-server" => self.server = true,
            // We do nothing else, and we never block within a step.
            "-dtls" | "-async" | "-implicit-handshake" => {}
            // There is no other way in which these could be done.
            "-use-old-client-cert-callback"
            | "-expect-extended-master-secret"
            | "-expect-secure-renegotiation"
            | "-server-preference"
            | "-no-tls1"
            | "-no-tls11"
            | "-use-early-callback"
            | "-handshake-twice"
            | "-no-op-extra-handshake"
            | "-expect-no-session-id"
            | "-expect-verify-result"
            | "-renew-ticket"
            | "-use-ticket-callback"
            | "-use-ticket-aead-callback"
            | "-expect-no-server-name"
            | "-permute-extensions"
            | "-renegotiate-ignore" => {}
            // What is trusted is decided by the flags that say whether verification fails.
            "-trust-cert" => drop(text()?),
            // Our own limit is smaller; and we verify all that we can.
            "-max-cert-list" | "-verify-prefs" => drop(text()?),
            "-key-file" => self.key_file = Some(text()?),
            "-cert-file" => self.cert_file = Some(text()?),
            "-mtu" => self.mtu = Some(number(&text()?)?),
            "-verify-peer" => self.verify_peer = true,
            "-verify-fail" => self.verify_fail = true,
            "-use-custom-verify-callback" => self.custom_verify = true,
            "-require-any-client-certificate" => self.require_client_certificate = true,
            "-new-psk-credential" => self.imported.push(ImportedKey::default()),
            // One certificate is all that a configuration holds: the second one is for others.
            "-new-x509-credential" if self.cert_file.is_none() => {}
            "-psk-importer-key" => self.imported()?.key = base64(&text()?),
            "-psk-importer-identity" => self.imported()?.identity = base64(&text()?),
            "-psk-importer-context" => self.imported()?.context = base64(&text()?),
            "-psk-importer-sha256" => self.imported()?.is_sha384 = false,
            "-psk-importer-sha384" => self.imported()?.is_sha384 = true,
            // The other side knows but the one that it wants.
            "-expect-selected-credential" => drop(text()?),
            "-psk" => self.psk = Some(text()?),
            "-psk-identity" => self.psk_identity = text()?,
            "-initial-timeout-duration-ms" => self.initial_timeout_ms = number(&text()?)?,
            "-min-version" => self.min_version = number(&text()?)?,
            "-max-version" => self.max_version = number(&text()?)?,
            "-no-tls12" => self.no_tls12 = true,
            "-no-tls13" => self.no_tls13 = true,
            "-srtp-profiles" => self.srtp_profiles = Some(text()?),
            "-advertise-alpn" => self.advertise_alpn = Some(text()?),
            "-select-alpn" => self.select_alpn = Some(text()?),
            "-expect-alpn" => self.expect_alpn = Some(text()?),
            "-expect-advertised-alpn" => self.expect_advertised_alpn = Some(text()?),
            "-decline-alpn" => self.decline_alpn = true,
            "-reject-alpn" => self.reject_alpn = true,
            "-cipher" => self.cipher = Some(text()?),
            "-shim-writes-first" => self.shim_writes_first = true,
            "-shim-shuts-down" => self.shim_shuts_down = true,
            "-check-close-notify" => self.check_close_notify = true,
            "-export-keying-material" => self.export_length = number(&text()?)?,
            "-export-label" => self.export_label = text()?,
            "-export-context" => self.export_context = text()?,
            "-use-export-context" => self.use_export_context = true,
            "-send-alert" => self.send_alert = true,
            "-expect-version" => self.expect_version = number(&text()?)?,
            "-expect-cipher" => self.expect_cipher = number(&text()?)?,
            "-expect-peer-cert-file" => self.expect_peer_cert_file = Some(text()?),
            "-expect-no-peer-cert" => self.expect_no_peer_cert = true,
            "-key-update" => self.key_update = true,
            "-key-update-before-read" => self.key_update_before_read = true,
            "-curves" => self.curves.push(number(&text()?)?),
            "-no-ticket" | "-skip-ticket" => self.no_ticket = true,
            "-resume-count" => self.resume_count = number(&text()?)?,
            "-expect-session-miss" => self.expect_session_miss = true,
            "-expect-no-session" => self.expect_no_session = true,
            "-expect-ticket-renewal" => self.expect_ticket_renewal = true,
            "-reverify-on-resume" => self.reverify_on_resume = true,
            // There is none, as it expects.
            "-expect-early-data-reason" => drop(text()?),
            "-expect-hrr" | "-expect-no-hrr" => {}
            _ => return Err(flag.to_owned()),
        }
        Ok(())
    }
}

/// Bytes in base64.
pub fn base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}
