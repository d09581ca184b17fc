use std::fmt;

use super::rid::is_rid;
use crate::limits::MAX_SIMULCAST_STREAMS;
use crate::text::words;

/// The simulcast streams of a media section: `a=simulcast:send a;b recv c` (RFC 8853 §5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Simulcast<'a> {
    /// The streams that the writer sends, in order of preference; each is a list of alternatives.
    pub send: Vec<Vec<SimulcastStream<'a>>>,
    /// The streams that the writer receives, likewise.
    pub recv: Vec<Vec<SimulcastStream<'a>>>,
}

/// One alternative of a simulcast stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SimulcastStream<'a> {
    /// The identifier of an `a=rid` line.
    pub rid: &'a str,
    /// Whether it starts paused (`~`).
    pub paused: bool,
}

impl<'a> Simulcast<'a> {
    /// Reads the value of the attribute; `None` if it is malformed. Identifiers that no `a=rid` line can
    /// have are left out.
    pub fn parse(value: &'a str) -> Option<Self> {
        let mut words = words(value).peekable();
        words.peek()?;
        let (mut send, mut recv) = (None, None);
        while let Some(direction) = words.next() {
            let list = match direction {
                "send" => &mut send,
                "recv" => &mut recv,
                _ => return None,
            };
            if list.is_some() {
                return None;
            }
            *list = Some(streams(words.next()?));
        }
        Some(Self {
            send: send.unwrap_or_default(),
            recv: recv.unwrap_or_default(),
        })
    }

    /// Keeps the alternatives that `keep_send` and `keep_recv` want, and the streams that have one left.
    pub(crate) fn retain(
        &mut self,
        keep_send: impl Fn(&str) -> bool,
        keep_recv: impl Fn(&str) -> bool,
    ) {
        for stream in &mut self.send {
            stream.retain(|alternative| keep_send(alternative.rid));
        }
        for stream in &mut self.recv {
            stream.retain(|alternative| keep_recv(alternative.rid));
        }
        self.send.retain(|stream| !stream.is_empty());
        self.recv.retain(|stream| !stream.is_empty());
    }
}

fn streams(list: &str) -> Vec<Vec<SimulcastStream<'_>>> {
    list.split(';')
        .take(MAX_SIMULCAST_STREAMS)
        .map(|alternatives| {
            alternatives
                .split(',')
                .take(MAX_SIMULCAST_STREAMS)
                .map(|id| match id.strip_prefix('~') {
                    Some(rid) => SimulcastStream { rid, paused: true },
                    None => SimulcastStream {
                        rid: id,
                        paused: false,
                    },
                })
                .filter(|stream| is_rid(stream.rid))
                .collect::<Vec<_>>()
        })
        .filter(|alternatives| !alternatives.is_empty())
        .collect()
}

impl fmt::Display for Simulcast<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut space = "";
        for (direction, streams) in [("send", &self.send), ("recv", &self.recv)] {
            if streams.is_empty() {
                continue;
            }
            write!(f, "{space}{direction} ")?;
            space = " ";
            for (index, alternatives) in streams.iter().enumerate() {
                f.write_str(if index == 0 { "" } else { ";" })?;
                for (index, stream) in alternatives.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { "," })?;
                    f.write_str(if stream.paused { "~" } else { "" })?;
                    f.write_str(stream.rid)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_and_pauses_round_trip() {
        let text = "send 1,~4;~2;3 recv a";
        let simulcast = Simulcast::parse(text).unwrap();
        assert_eq!(simulcast.send.len(), 3);
        assert!(simulcast.send[0][1].paused && simulcast.send[1][0].paused);
        assert_eq!(simulcast.to_string(), text);
        assert_eq!(Simulcast::parse("recv a").unwrap().to_string(), "recv a");
    }

    #[test]
    fn malformed_values_are_refused() {
        for text in ["", " ", "send", "q;h;f", "send a send b", "send a recv"] {
            assert_eq!(Simulcast::parse(text), None, "{text}");
        }
        assert_eq!(
            Simulcast::parse("send ;,ä;a").unwrap().to_string(),
            "send a"
        );
    }
}
