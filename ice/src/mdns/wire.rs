//! As much of DNS messages (RFC 1035 §4, RFC 6762 §18) as names of candidates need.

use std::net::IpAddr;

/// The most questions and records that are looked at.
const MAX_ENTRIES: u16 = 64;

/// The most pointers in one name (RFC 1035 §4.1.4).
const MAX_POINTERS: u8 = 10;

const MAX_NAME: usize = 255;

const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const TYPE_ANY: u16 = 255;
const CLASS_IN: u16 = 1;
const CLASS_ANY: u16 = 255;

/// RFC 6762 §10.2 in a record; §5.4, a wish for a unicast answer, in a question.
const TOP_BIT: u16 = 0x8000;

/// How long a record is good for (RFC 6762 §10).
const TTL: u32 = 120;

/// What one message says, as far as it matters.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) is_response: bool,
    pub(super) questions: Vec<Question>,
    pub(super) addresses: Vec<(String, IpAddr)>,
}

/// Whether somebody asks for the addresses of a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) name: String,
    pub(super) wants_v4: bool,
    pub(super) wants_v6: bool,
}

impl Message {
    /// Reads a message; `None` when it is malformed.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader { bytes, at: 0 };
        let _id = reader.u16()?;
        let flags = reader.u16()?;
        let questions = reader.u16()?;
        let records = [reader.u16()?, reader.u16()?, reader.u16()?];
        let records = records.into_iter().fold(0_u16, u16::saturating_add);
        // RFC 6762 §18.3, §18.11: other operations and errors are none of ours.
        if flags & 0x780f != 0 || questions.saturating_add(records) > MAX_ENTRIES {
            return None;
        }
        let mut message = Self {
            is_response: flags & 0x8000 != 0,
            ..Self::default()
        };
        for _ in 0..questions {
            let name = reader.name()?;
            let (kind, class) = (reader.u16()?, reader.u16()? & !TOP_BIT);
            if class == CLASS_IN || class == CLASS_ANY {
                message.questions.push(Question {
                    name,
                    wants_v4: kind == TYPE_A || kind == TYPE_ANY,
                    wants_v6: kind == TYPE_AAAA || kind == TYPE_ANY,
                });
            }
        }
        for _ in 0..records {
            let name = reader.name()?;
            let (kind, class) = (reader.u16()?, reader.u16()? & !TOP_BIT);
            let ttl = u32::from(reader.u16()?) << 16 | u32::from(reader.u16()?);
            let length = reader.u16()?;
            let data = reader.take(usize::from(length))?;
            let address = match kind {
                TYPE_A => <[u8; 4]>::try_from(data).ok().map(IpAddr::from),
                TYPE_AAAA => <[u8; 16]>::try_from(data).ok().map(IpAddr::from),
                _ => continue,
            };
            // A lifetime of 0 takes a record back (RFC 6762 §10.1).
            if class == CLASS_IN && ttl > 0 {
                message.addresses.push((name, address?));
            }
        }
        Some(message)
    }
}

/// Appends a question for both addresses of a name.
pub(super) fn encode_query(buf: &mut Vec<u8>, name: &str) {
    for word in [0_u16, 0, 2, 0, 0, 0] {
        buf.extend_from_slice(&word.to_be_bytes());
    }
    for kind in [TYPE_A, TYPE_AAAA] {
        encode_name(buf, name);
        for word in [kind, CLASS_IN] {
            buf.extend_from_slice(&word.to_be_bytes());
        }
    }
}

/// Appends the answer that a name has this address.
pub(super) fn encode_answer(buf: &mut Vec<u8>, name: &str, address: IpAddr) {
    for word in [0_u16, 0x8400, 0, 1, 0, 0] {
        buf.extend_from_slice(&word.to_be_bytes());
    }
    encode_name(buf, name);
    let (kind, data) = match address {
        IpAddr::V4(ip) => (TYPE_A, ip.octets().to_vec()),
        IpAddr::V6(ip) => (TYPE_AAAA, ip.octets().to_vec()),
    };
    for word in [kind, CLASS_IN | TOP_BIT] {
        buf.extend_from_slice(&word.to_be_bytes());
    }
    buf.extend_from_slice(&TTL.to_be_bytes());
    let length = if address.is_ipv4() { 4_u16 } else { 16 };
    buf.extend_from_slice(&length.to_be_bytes());
    buf.extend_from_slice(&data);
}

/// Names are checked before they come here: labels of 1 to 63 bytes.
fn encode_name(buf: &mut Vec<u8>, name: &str) {
    for label in name.split('.') {
        buf.push(u8::try_from(label.len()).unwrap_or(0));
        buf.extend_from_slice(label.as_bytes());
    }
    buf.push(0);
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(*self.take(2)?.first_chunk()?))
    }

    /// A name in lower case. Pointers lead backwards only, and are few.
    fn name(&mut self) -> Option<String> {
        let mut name = Vec::new();
        let mut after = None;
        let mut pointers = 0;
        loop {
            let start = self.at;
            match self.u8()? {
                0 => break,
                length @ 1..=63 => {
                    if !name.is_empty() {
                        name.push(b'.');
                    }
                    name.extend_from_slice(self.take(usize::from(length))?);
                    if name.len() > MAX_NAME {
                        return None;
                    }
                }
                high @ 192..=255 => {
                    let to = usize::from(high & 0x3f) << 8 | usize::from(self.u8()?);
                    pointers += 1;
                    if pointers > MAX_POINTERS || to >= start {
                        return None;
                    }
                    after.get_or_insert(self.at);
                    self.at = to;
                }
                _ => return None,
            }
        }
        self.at = after.unwrap_or(self.at);
        name.make_ascii_lowercase();
        String::from_utf8(name).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "9b36eaac-bb2e-49bb-bb78-21c41c499900.local";

    #[test]
    fn a_query_and_an_answer_survive_the_wire_and_every_truncation_is_an_error() {
        let mut query = Vec::new();
        encode_query(&mut query, NAME);
        let read = Message::decode(&query).unwrap();
        assert!(!read.is_response);
        assert_eq!(read.questions.len(), 2);
        assert!(read.questions[0].wants_v4 && read.questions[1].wants_v6);
        assert!(read.questions.iter().all(|question| question.name == NAME));
        for ip in ["192.0.2.7", "2001:db8::7"] {
            let mut answer = Vec::new();
            encode_answer(&mut answer, NAME, ip.parse().unwrap());
            let read = Message::decode(&answer).unwrap();
            assert!(read.is_response);
            assert_eq!(read.addresses, [(NAME.to_owned(), ip.parse().unwrap())]);
            for length in 0..answer.len() {
                assert_eq!(Message::decode(&answer[..length]), None);
            }
        }
        for length in 0..query.len() {
            assert_eq!(Message::decode(&query[..length]), None);
        }
    }

    /// I-12 of the catalogue: compression loops.
    #[test]
    fn pointers_that_loop_lead_forward_or_are_many_are_refused() {
        let header = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for name in [&[0xc0, 12][..], &[0xc0, 14, 0xc0, 12], &[0xc0, 0xff]] {
            let mut message = header.to_vec();
            message.extend_from_slice(name);
            message.extend_from_slice(&[0, 1, 0, 1]);
            assert_eq!(Message::decode(&message), None);
        }
        // A chain of pointers, each to the one before it.
        for (links, is_fine) in [(9_u8, true), (10, false)] {
            let mut message = vec![0, 0, 0x84, 0, 0, 0, 0, 2, 0, 0, 0, 0];
            // The data of a first record holds the chain.
            message.extend_from_slice(&[0, 0, 16, 0, 1, 0, 0, 0, 9, 0, 3 + 2 * links]);
            let mut target = u8::try_from(message.len()).unwrap();
            message.extend_from_slice(&[1, b'a', 0]);
            for _ in 0..links {
                let at = u8::try_from(message.len()).unwrap();
                message.extend_from_slice(&[0xc0, target]);
                target = at;
            }
            message.extend_from_slice(&[0xc0, target, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]);
            let read = Message::decode(&message);
            assert_eq!(read.is_some(), is_fine, "{links}");
            if let Some(read) = read {
                assert_eq!(read.addresses, [("a".to_owned(), [192, 0, 2, 1].into())]);
            }
        }
    }

    #[test]
    fn counts_that_promise_more_than_64_entries_are_refused_at_once() {
        let message = [0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
        assert_eq!(Message::decode(&message), None);
    }
}
