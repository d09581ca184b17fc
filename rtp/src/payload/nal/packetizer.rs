use bytes::Bytes;

use super::units;
use crate::payload::split::split_evenly;
use crate::payload::{PacketizeError, Payload, PayloadError};
use crate::{Frame, MimeType};

/// What to do with units that no decoder needs: access unit delimiters, which repeat what the timestamp says, and filler,
/// which only raises the rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extras {
    /// They are sent like every unit, so that the receiver has exactly the encoder's stream.
    #[default]
    Send,
    /// They are left out.
    Drop,
}

/// What tells the packets of the codecs made of NAL units apart.
pub(in crate::payload) trait Packing {
    const CODEC: MimeType;

    /// The octets in front of the units of an aggregate.
    const AGGREGATE_HEADER_LEN: usize;

    /// The octets of a unit's header, which its fragments carry in another form.
    const HEADER_LEN: usize;

    /// Whether a unit of the frame can travel.
    fn is_plain(unit: &[u8]) -> bool;

    /// Whether a unit is an access unit delimiter or filler.
    fn is_extra(unit: &[u8]) -> bool;

    /// Appends the header of an aggregate of these units.
    fn aggregate_header(units: &[&[u8]], data: &mut Vec<u8>);

    /// Whether a picture ends with this unit, before those that are left of its frame.
    fn ends_picture(_unit: &[u8], behind: &[&[u8]]) -> bool {
        behind.is_empty()
    }

    /// Appends the headers of a fragment of this unit. `last` is what [`Self::ends_picture`] says of it.
    fn fragment_header(unit: &[u8], start: bool, end: bool, last: bool, data: &mut Vec<u8>);
}

/// How units are put into packets.
#[derive(Clone, Copy, Debug)]
pub(in crate::payload) struct Layout {
    /// Small units share packets and long ones are cut; else each has its own.
    pub(in crate::payload) pack: bool,
    pub(in crate::payload) extras: Extras,
}

/// Cuts an access unit in Annex B form into payloads.
pub(in crate::payload) fn packetize<P: Packing>(
    layout: Layout,
    frame: &Frame,
    max_payload: usize,
    sink: &mut dyn FnMut(Payload),
) -> Result<(), PacketizeError> {
    if frame.codec != P::CODEC {
        return Err(PacketizeError::Codec);
    }
    if frame.data.is_empty() {
        return Err(PacketizeError::Empty);
    }
    let kept = |unit: &&[u8]| layout.extras == Extras::Send || !P::is_extra(unit);
    let units: Vec<_> = units(&frame.data).filter(kept).collect();
    check::<P>(layout, &units, max_payload)?;
    let mut rest = units.as_slice();
    while let Some((first, others)) = rest.split_first() {
        let mut give = |marker, data: Bytes| {
            sink(Payload {
                timestamp: frame.timestamp,
                marker,
                data,
            });
        };
        let together = if layout.pack {
            sharing::<P>(rest, max_payload)
        } else {
            1
        };
        if together > 1 {
            let (shared, behind) = rest.split_at(together);
            give(behind.is_empty(), aggregate::<P>(shared));
            rest = behind;
            continue;
        }
        let last = others.is_empty();
        if first.len() <= max_payload {
            give(last, frame.data.slice_ref(first));
        } else {
            fragment::<P>(first, others, max_payload, &mut give);
        }
        rest = others;
    }
    Ok(())
}

fn check<P: Packing>(
    layout: Layout,
    units: &[&[u8]],
    max_payload: usize,
) -> Result<(), PacketizeError> {
    if units.is_empty() || !units.iter().all(|unit| P::is_plain(unit)) {
        return Err(PacketizeError::Malformed(PayloadError::Value));
    }
    if units.iter().all(|unit| unit.len() <= max_payload) {
        Ok(())
    } else if !layout.pack {
        Err(PacketizeError::TooLarge)
    } else if max_payload <= P::HEADER_LEN + 1 {
        Err(PacketizeError::MaxPayload)
    } else {
        Ok(())
    }
}

/// How many units from the front fit one aggregate.
fn sharing<P: Packing>(units: &[&[u8]], max_payload: usize) -> usize {
    let mut len = P::AGGREGATE_HEADER_LEN;
    units
        .iter()
        .take_while(|unit| {
            len += 2 + unit.len();
            len <= max_payload && unit.len() <= usize::from(u16::MAX)
        })
        .count()
}

fn aggregate<P: Packing>(units: &[&[u8]]) -> Bytes {
    let mut data = Vec::new();
    P::aggregate_header(units, &mut data);
    for unit in units {
        let len = u16::try_from(unit.len()).unwrap_or(u16::MAX);
        data.extend_from_slice(&len.to_be_bytes());
        data.extend_from_slice(unit);
    }
    Bytes::from(data)
}

fn fragment<P: Packing>(
    unit: &[u8],
    behind: &[&[u8]],
    max_payload: usize,
    give: &mut dyn FnMut(bool, Bytes),
) {
    let body = unit.get(P::HEADER_LEN..).unwrap_or_default();
    let header_len = P::HEADER_LEN + 1;
    let last = P::ends_picture(unit, behind);
    for range in split_evenly(body.len(), max_payload - header_len) {
        let (start, end) = (range.start == 0, range.end == body.len());
        let mut data = Vec::with_capacity(header_len + range.len());
        P::fragment_header(unit, start, end, last, &mut data);
        data.extend_from_slice(body.get(range).unwrap_or_default());
        give(behind.is_empty() && end, Bytes::from(data));
    }
}
