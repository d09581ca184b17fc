use super::sps;
use super::unit::{ACCESS_UNIT_DELIMITER, AGGREGATION, FRAGMENTATION, Header, PPS, SPS, VPS};
use crate::payload::nal::{self, Aggregate, NalUnits, Parsed, Piece, Syntax, take_order};
use crate::payload::{Assembly, Format, PayloadError, PayloadInfo};
use crate::{MimeType, Resolution};

/// The receiving side of H.266: single NAL units, aggregation packets and fragmentation units.
///
/// Parameter sets are remembered (16 of 1 KiB) and put in front of a key frame that comes without. Adaptation parameter
/// sets are not: they change with the pictures. After a loss a frame therefore begins only with a delimiter, operating
/// point or decoding capability information, or a video or sequence parameter set.
///
/// The headers of NAL units do not tell whether a picture is referred to. A picture whose one slice holds the picture
/// header does; any other is never reported as discardable. A picture with slices of several types is key if one is.
#[derive(Clone, Debug, Default)]
pub struct H266(NalUnits<H266Syntax>);

impl H266 {
    /// A format that knows no parameter sets, of packets without decoding order numbers (`sprop-max-don-diff` 0).
    pub fn new() -> Self {
        Self::default()
    }

    /// A format of packets with decoding order numbers (`sprop-max-don-diff` above 0, RFC 9328 §7.2).
    ///
    /// The numbers are read and left out. Units of one access unit must come in decoding order, and packets of two access
    /// units may not be interleaved: a frame of which that is not true is given up.
    pub fn with_decoding_order_numbers() -> Self {
        Self(NalUnits::new(H266Syntax { ordered: true }))
    }

    /// Takes a parameter set from the description (`sprop-vps`, `sprop-sps`, `sprop-pps`, RFC 9328 §7.2) as if it had
    /// been received.
    pub fn add_parameter_set(&mut self, unit: &[u8]) {
        self.0.add_parameter_set(unit);
    }
}

impl Format for H266 {
    fn codec(&self) -> MimeType {
        MimeType::H266
    }

    fn inspect(&self, payload: &[u8]) -> Result<PayloadInfo, PayloadError> {
        self.0.inspect(payload)
    }

    fn append(&mut self, payload: &[u8], frame: &mut Assembly) -> Result<(), PayloadError> {
        self.0.append(payload, frame)
    }

    fn finish(&mut self, frame: &mut Assembly) -> Result<(), PayloadError> {
        self.0.finish(frame)
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct H266Syntax {
    /// Packets carry decoding order numbers.
    ordered: bool,
}

impl Syntax for H266Syntax {
    type Header = Header;

    const PARAMETER_SETS: &'static [u8] = &[VPS, SPS, PPS];
    const SPS: u8 = SPS;

    fn parse<'a>(&self, payload: &'a [u8]) -> Result<Parsed<'a, Header>, PayloadError> {
        let (header, mut rest) = Header::decode(payload)?;
        match header.kind() {
            AGGREGATION if rest.is_empty() => Err(PayloadError::Truncated),
            AGGREGATION => Ok(Parsed::Aggregate(Aggregate::new(rest))),
            FRAGMENTATION => {
                let fu = *rest.split_off_first().ok_or(PayloadError::Truncated)?;
                let (start, header) = (fu & 0x80 != 0, header.with_kind(fu));
                // Only the first fragment has the number of its unit (RFC 9328 §4.3.3).
                let order = self.order(start, &mut rest)?;
                if rest.is_empty() {
                    return Err(PayloadError::Truncated);
                }
                if !header.is_plain() {
                    return Err(PayloadError::Value);
                }
                Ok(Parsed::Fragment {
                    piece: Piece {
                        header,
                        order,
                        body: rest,
                    },
                    start,
                    // The P bit, the end of a picture, says less than the marker: other units can follow.
                    end: fu & 0x40 != 0,
                })
            }
            _ => {
                let order = self.order(true, &mut rest)?;
                header.check(rest)?;
                Ok(Parsed::Unit(Piece {
                    header,
                    order,
                    body: rest,
                }))
            }
        }
    }

    /// The first unit of an aggregate has its number in full, every other is the next one: there are no differences as
    /// in H.265 (RFC 9328 §4.3.2).
    fn take_unit<'a>(
        &self,
        aggregate: &mut Aggregate<'a>,
    ) -> Result<Piece<'a, Header>, PayloadError> {
        if self.ordered {
            aggregate.order = Some(match aggregate.order {
                None => take_order(&mut aggregate.rest)?,
                Some(before) => before.wrapping_add(1),
            });
        }
        let (header, body) = Header::decode(aggregate.take()?)?;
        header.check(body)?;
        Ok(Piece {
            header,
            order: aggregate.order,
            body,
        })
    }

    fn kind(header: Header) -> u8 {
        header.kind()
    }

    fn is_slice(header: Header) -> bool {
        header.is_slice()
    }

    fn is_delimiter(header: Header) -> bool {
        header.kind() == ACCESS_UNIT_DELIMITER
    }

    fn info(header: Header, body: &[u8], _have_sps: bool) -> PayloadInfo {
        header.info(body)
    }

    /// Ids have a fixed length here: 4 bits, or 6 of a picture parameter set.
    fn set_id(header: Header, body: &[u8]) -> Option<u32> {
        let shift = if header.kind() == PPS { 2 } else { 4 };
        body.first().map(|first| u32::from(first >> shift))
    }

    fn resolution(body: &[u8]) -> Option<Resolution> {
        sps::resolution(body).ok()
    }

    fn split(unit: &[u8]) -> Option<(Header, &[u8])> {
        Header::decode(unit).ok()
    }
}

impl H266Syntax {
    fn order(&self, present: bool, rest: &mut &[u8]) -> Result<Option<u16>, PayloadError> {
        if self.ordered && present {
            take_order(rest).map(Some)
        } else {
            Ok(None)
        }
    }
}

/// What a whole access unit tells of itself.
pub(in crate::payload) fn describe(access_unit: &[u8]) -> PayloadInfo {
    nal::describe::<H266Syntax>(access_unit)
}
