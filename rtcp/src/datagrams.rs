use crate::framing::Frame;

/// Cuts packets that follow each other into datagrams of a size, between two packets.
///
/// Write everything there is to say with one [`Writer`](crate::Writer), then send these. Where full compounds are wanted
/// (RFC 3550 §6.1), write report and CNAME into a buffer of their own, put them in front of each datagram, and give the
/// size without them. A packet that is longer than a datagram comes alone, so that the caller sees it; the writer makes
/// none above 1,200 octets but of what is given to it in one piece.
#[derive(Clone, Debug)]
pub struct Datagrams<'a> {
    rest: &'a [u8],
    max_bytes: usize,
}

impl<'a> Datagrams<'a> {
    /// The datagrams of some packets, each of at most `max_bytes`.
    pub const fn new(packets: &'a [u8], max_bytes: usize) -> Self {
        Self {
            rest: packets,
            max_bytes,
        }
    }
}

impl<'a> Iterator for Datagrams<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let whole = self.rest;
        let mut end = 0;
        let mut rest = whole;
        // What is no packet at the end is not hidden: it goes with the last one.
        while !rest.is_empty() {
            let length = match Frame::decode(&mut rest) {
                Ok(_) => whole.len() - rest.len(),
                Err(_) => whole.len(),
            };
            if end > 0 && length > self.max_bytes {
                break;
            }
            end = length;
            if end >= whole.len() {
                break;
            }
        }
        let (datagram, rest) = whole.split_at_checked(end)?;
        self.rest = rest;
        (!datagram.is_empty()).then_some(datagram)
    }
}

impl std::iter::FusedIterator for Datagrams<'_> {}
