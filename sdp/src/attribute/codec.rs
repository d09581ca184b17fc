use std::fmt;

use super::{Attribute, Feedback, Parameters};
use crate::limits::MAX_FEEDBACK;
use crate::text::{decimal, first_word, is_token};

/// A payload type and all that is said of it: `a=rtpmap`, `a=fmtp` (RFC 8866 §6.6, §6.15) and `a=rtcp-fb`
/// (RFC 4585 §4.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CodecDescription<'a> {
    /// The RTP payload type, 0–127.
    pub payload_type: u8,
    /// The encoding name as written: `opus`, `VP8`, `rtx`. Compare it in any case
    /// ([`is`](Self::is)).
    pub name: &'a str,
    /// Ticks per second of the RTP timestamp, never 0.
    pub clock_rate: u32,
    /// Audio channels where given, never 0; absent means one.
    pub channels: Option<u16>,
    /// The value of `a=fmtp` after the payload type, as it stands.
    pub fmtp: Option<&'a str>,
    /// Feedback that may be sent for it, in order, each once. `a=rtcp-fb:*` is included.
    pub feedback: Vec<Feedback<'a>>,
}

impl<'a> CodecDescription<'a> {
    /// A codec without channels, parameters and feedback.
    pub const fn new(payload_type: u8, name: &'a str, clock_rate: u32) -> Self {
        Self {
            payload_type,
            name,
            clock_rate,
            channels: None,
            fmtp: None,
            feedback: Vec::new(),
        }
    }

    /// Whether the encoding has this name, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The parameters of `a=fmtp` one by one.
    pub fn parameters(&self) -> Parameters<'a> {
        Parameters::new(self.fmtp.unwrap_or_default())
    }

    /// The value of one parameter of `a=fmtp`, its name in any case.
    pub fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters().value(name)
    }

    /// `apt=` of a retransmission format: the payload type it repeats (RFC 4588 §8.1).
    pub fn associated_payload_type(&self) -> Option<u8> {
        decimal(self.parameter("apt")?)
    }

    /// `name/clock[/channels]`, the text after the payload type of `a=rtpmap`.
    pub(crate) fn encoding(&self) -> Encoding<'a> {
        Encoding {
            name: self.name,
            clock_rate: self.clock_rate,
            channels: self.channels,
        }
    }
}

/// The encoding of an `a=rtpmap` line.
#[derive(Clone, Copy)]
pub(crate) struct Encoding<'a> {
    name: &'a str,
    clock_rate: u32,
    channels: Option<u16>,
}

impl<'a> Encoding<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split('/');
        let name = parts.next().filter(|name| is_token(name))?;
        let clock_rate = parts.next().and_then(decimal).filter(|&rate| rate != 0)?;
        let channels = match parts.next() {
            Some(text) => Some(decimal(text).filter(|channels| (1..=255).contains(channels))?),
            None => None,
        };
        parts.next().is_none().then_some(Self {
            name,
            clock_rate,
            channels,
        })
    }

    /// The payload types that have a meaning without `a=rtpmap` (RFC 3551 §6), as far as anyone sends them.
    fn of_static(payload_type: u8) -> Option<Self> {
        let name = match payload_type {
            0 => "PCMU",
            3 => "GSM",
            8 => "PCMA",
            9 => "G722",
            13 => "CN",
            _ => return None,
        };
        Some(Self {
            name,
            clock_rate: 8000,
            channels: None,
        })
    }
}

impl fmt::Display for Encoding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.clock_rate)?;
        match self.channels {
            Some(channels) => write!(f, "/{channels}"),
            None => Ok(()),
        }
    }
}

/// Gathers what the attributes say of each format, in the order of the m-line, in one pass.
///
/// Left out, so that nobody downstream meets them: formats that are no payload type, those whose marker
/// bit would make them look like RTCP when `rtcp_mux` (RFC 5761 §4), those without a usable `a=rtpmap`,
/// and retransmission formats whose `apt` names no media format of this m-line.
pub(crate) fn codecs<'a>(
    formats: impl Iterator<Item = &'a str>,
    attributes: impl Iterator<Item = Attribute<'a>>,
    rtcp_mux: bool,
) -> Vec<CodecDescription<'a>> {
    let mut table = Table::new(formats, rtcp_mux);
    for attribute in attributes {
        table.note(attribute);
    }
    table.finish()
}

struct Table<'a> {
    entries: Vec<Entry<'a>>,
    /// Where each payload type stands in `entries`.
    index: [Option<u8>; 128],
    /// Feedback for all payload types.
    wildcard: Vec<Feedback<'a>>,
}

struct Entry<'a> {
    payload_type: u8,
    mapped: bool,
    encoding: Option<Encoding<'a>>,
    fmtp: Option<&'a str>,
    feedback: Vec<Feedback<'a>>,
}

impl<'a> Table<'a> {
    fn new(formats: impl Iterator<Item = &'a str>, rtcp_mux: bool) -> Self {
        let mut table = Self {
            entries: Vec::new(),
            index: [None; 128],
            wildcard: Vec::new(),
        };
        for payload_type in formats.filter_map(decimal::<u8>) {
            let place = table.index.get_mut(usize::from(payload_type));
            let Some(place @ None) = place else { continue };
            if rtcp_mux && (64..=95).contains(&payload_type) {
                continue;
            }
            *place = u8::try_from(table.entries.len()).ok();
            table.entries.push(Entry {
                payload_type,
                mapped: false,
                encoding: Encoding::of_static(payload_type),
                fmtp: None,
                feedback: Vec::new(),
            });
        }
        table
    }

    fn entry(&mut self, payload_type: &str) -> Option<&mut Entry<'a>> {
        let index = *self.index.get(decimal::<usize>(payload_type)?)?;
        self.entries.get_mut(usize::from(index?))
    }

    fn note(&mut self, attribute: Attribute<'a>) {
        let Some(value) = attribute.value else { return };
        match attribute.name {
            "rtpmap" => {
                let (payload_type, encoding) = first_word(value);
                if let Some(entry) = self.entry(payload_type).filter(|entry| !entry.mapped) {
                    entry.mapped = true;
                    entry.encoding = Encoding::parse(encoding);
                }
            }
            "fmtp" => {
                let (payload_type, parameters) = first_word(value);
                if let Some(entry) = self.entry(payload_type).filter(|e| e.fmtp.is_none()) {
                    entry.fmtp = Some(parameters).filter(|text| !text.is_empty());
                }
            }
            "rtcp-fb" => {
                let (payload_type, feedback) = first_word(value);
                if payload_type == "*" {
                    add(&mut self.wildcard, feedback);
                } else if let Some(entry) = self.entry(payload_type) {
                    add(&mut entry.feedback, feedback);
                }
            }
            _ => {}
        }
    }

    fn finish(self) -> Vec<CodecDescription<'a>> {
        let mut codecs = Vec::with_capacity(self.entries.len());
        let mut is_media = [false; 128];
        for entry in self.entries {
            let Some(encoding) = entry.encoding else {
                continue;
            };
            let mut feedback = entry.feedback;
            // Both lists are free of repetition, so only the lines of this codec cost comparisons.
            let own = feedback.len();
            for &extra in &self.wildcard {
                let known = feedback.iter().take(own).any(|known| *known == extra);
                if feedback.len() < MAX_FEEDBACK && !known {
                    feedback.push(extra);
                }
            }
            let codec = CodecDescription {
                payload_type: entry.payload_type,
                name: encoding.name,
                clock_rate: encoding.clock_rate,
                channels: encoding.channels,
                fmtp: entry.fmtp,
                feedback,
            };
            if let Some(place) = is_media.get_mut(usize::from(codec.payload_type)) {
                *place = !codec.is("rtx");
            }
            codecs.push(codec);
        }
        codecs.retain(|codec| {
            !codec.is("rtx")
                || codec
                    .associated_payload_type()
                    .and_then(|apt| is_media.get(usize::from(apt)))
                    .is_some_and(|&media| media)
        });
        codecs
    }
}

fn add<'a>(list: &mut Vec<Feedback<'a>>, text: &'a str) {
    let feedback = Feedback::parse(text);
    if !text.is_empty() && list.len() < MAX_FEEDBACK && !list.contains(&feedback) {
        list.push(feedback);
    }
}
