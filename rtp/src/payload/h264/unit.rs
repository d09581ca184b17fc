use crate::Layer;
use crate::payload::{PayloadInfo, Start};

pub(super) const SLICE: u8 = 1;
pub(super) const IDR_SLICE: u8 = 5;
pub(super) const SPS: u8 = 7;
pub(super) const PPS: u8 = 8;
pub(super) const ACCESS_UNIT_DELIMITER: u8 = 9;
pub(super) const FILLER: u8 = 12;
const SVC_PREFIX: u8 = 14;
const SVC_SLICE: u8 = 20;
pub(super) const STAP_A: u8 = 24;
pub(super) const FU_A: u8 = 28;

/// The type in the header of a NAL unit (RFC 6184 §1.3).
pub(super) const fn kind(header: u8) -> u8 {
    header & 0x1f
}

/// Whether the unit can travel alone and is not one of the forms of packets.
pub(super) const fn is_plain(header: u8) -> bool {
    matches!(kind(header), 1..STAP_A)
}

/// Whether the unit is a slice, of which every access unit has at least one.
pub(super) const fn is_slice(header: u8) -> bool {
    matches!(kind(header), SLICE..=IDR_SLICE)
}

/// What a NAL unit says about its access unit. `body` is what follows the header, or its beginning.
///
/// `have_sps` tells whether a sequence parameter set is known: without one a key frame may have lost its own.
pub(super) fn info(header: u8, body: &[u8], have_sps: bool) -> PayloadInfo {
    // first_mb_in_slice is 0: as an Exp-Golomb number that is a single 1.
    let first_slice = body.first().is_some_and(|first| first & 0x80 != 0);
    let start = match kind(header) {
        SPS | ACCESS_UNIT_DELIMITER => Start::Certain,
        SLICE | 2 if first_slice => Start::Certain,
        IDR_SLICE if first_slice && have_sps => Start::Certain,
        _ => Start::Possible,
    };
    PayloadInfo {
        start,
        key: kind(header) == IDR_SLICE,
        discardable: is_slice(header) && header & 0x60 == 0,
        layer: layer(header, body),
        resolution: None,
    }
}

/// The extension header of SVC (ITU-T H.264 §G.7.3.1.1), which encoders of temporal layers send too.
fn layer(header: u8, body: &[u8]) -> Option<Layer> {
    let (SVC_PREFIX | SVC_SLICE, [first, second, third, ..]) = (kind(header), body) else {
        return None;
    };
    (first & 0x80 != 0).then_some(Layer {
        spatial: second >> 4 & 0x07,
        temporal: third >> 5,
    })
}
