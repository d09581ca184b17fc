use std::net::IpAddr;

use avocet::stun::Uri;

pub(crate) const HELP: &str = "\
A call between a browser and this program.

  --lan            serve HTTPS on every interface, for phones and other machines
  --announce IP    also offer this address to browsers: the public address of a cloud host, or the
                   address of the machine that a container's UDP port is published on (repeatable)
  --media-port N   the UDP port of media (default: the system chooses)
  --port N         the port of the page (default: 8080, with --lan 8443; when taken, the next free one)
  --tcp N          also accept media over TCP, on this port, for networks that drop UDP (0: the system chooses)
  --hide           show browsers names of multicast DNS in place of this machine's addresses
  --turn URI       offer addresses on this TURN server: turn:host[:port][?transport=udp|tcp], turns:… (repeatable)
  --turn-user U    the user there, and
  --turn-password P  the password
  --turn-root FILE  believe a turns: server whose certificate leads to one in this PEM file, and no other
  --relay          use no other addresses than those
  --dtls-1.2       no DTLS 1.3
  --help           this text
";

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) lan: bool,
    pub(crate) announce: Vec<IpAddr>,
    pub(crate) media_port: u16,
    pub(crate) http_port: Option<u16>,
    pub(crate) tcp_port: Option<u16>,
    pub(crate) hide: bool,
    pub(crate) turn: Vec<Uri>,
    pub(crate) turn_user: String,
    pub(crate) turn_password: String,
    pub(crate) turn_root: Option<String>,
    pub(crate) relay: bool,
    pub(crate) dtls_1_2: bool,
}

impl Options {
    /// Reads the arguments; `None` when help is asked for.
    pub(crate) fn parse(
        mut arguments: impl Iterator<Item = String>,
    ) -> Result<Option<Self>, String> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .ok_or_else(|| format!("{argument} needs a value"))
            };
            match argument.as_str() {
                "--lan" => options.lan = true,
                "--announce" => options.announce.push(parsed(&argument, &value()?)?),
                "--media-port" => options.media_port = parsed(&argument, &value()?)?,
                "--port" => options.http_port = Some(parsed(&argument, &value()?)?),
                "--tcp" => options.tcp_port = Some(parsed(&argument, &value()?)?),
                "--hide" => options.hide = true,
                "--turn" => options.turn.push(parsed(&argument, &value()?)?),
                "--turn-user" => options.turn_user = value()?,
                "--turn-password" => options.turn_password = value()?,
                "--turn-root" => options.turn_root = Some(value()?),
                "--relay" => options.relay = true,
                "--dtls-1.2" => options.dtls_1_2 = true,
                "--help" | "-h" => return Ok(None),
                other => return Err(format!("unknown option {other}")),
            }
        }
        Ok(Some(options))
    }
}

fn parsed<T: std::str::FromStr>(option: &str, value: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|_| format!("{option}: {value:?} is not a value for it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Options>, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn every_option_is_understood() {
        let options =
            parse("--lan --announce 192.0.2.1 --announce 2001:db8::1 --media-port 5000 --port 81");
        let options = options.unwrap().unwrap();
        assert!(options.lan);
        assert_eq!(options.announce.len(), 2);
        assert_eq!((options.media_port, options.http_port), (5000, Some(81)));
        let options = parse("--tcp 443 --hide").unwrap().unwrap();
        assert_eq!((options.tcp_port, options.hide), (Some(443), true));
        let options = parse("--turn turn:a --turn turns:b --turn-user c --turn-password d --relay");
        let options = options.unwrap().unwrap();
        assert_eq!((options.turn.len(), options.relay), (2, true));
        let options = parse("--turn-root root.pem").unwrap().unwrap();
        assert_eq!(options.turn_root.as_deref(), Some("root.pem"));
        assert_eq!(parse("--help"), Ok(None));
    }

    #[test]
    fn a_mistake_is_named() {
        assert!(parse("--announce here").unwrap_err().contains("here"));
        assert!(parse("--port").unwrap_err().contains("needs a value"));
        assert!(parse("--loud").unwrap_err().contains("--loud"));
    }
}
