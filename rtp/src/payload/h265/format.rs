use super::sps;
use super::unit::{ACCESS_UNIT_DELIMITER, AGGREGATION, FRAGMENTATION, Header, PACI, PPS, SPS, VPS};
use crate::bits::Bits;
use crate::payload::nal::{
    self, Aggregate, NalUnits, Parsed, Piece, Syntax, take_order, unescaped,
};
use crate::payload::{Assembly, Format, PayloadError, PayloadInfo};
use crate::{MimeType, Resolution};

/// The receiving side of H.265: single NAL units, aggregation packets, fragmentation units and PACI packets.
///
/// Parameter sets are remembered (16 of 1 KiB) and put in front of a key frame that comes without.
#[derive(Clone, Debug, Default)]
pub struct H265(NalUnits<H265Syntax>);

impl H265 {
    /// A format that knows no parameter sets, of packets without decoding order numbers (`sprop-max-don-diff` 0, as
    /// WebRTC negotiates).
    pub fn new() -> Self {
        Self::default()
    }

    /// A format of packets with decoding order numbers (`sprop-max-don-diff` above 0, RFC 7798 §7.1).
    ///
    /// The numbers are read and left out. Units of one access unit must come in decoding order, and packets of two access
    /// units may not be interleaved: a frame of which that is not true is given up.
    pub fn with_decoding_order_numbers() -> Self {
        Self(NalUnits::new(H265Syntax { ordered: true }))
    }

    /// Takes a parameter set from the description (`sprop-vps`, `sprop-sps`, `sprop-pps`, RFC 7798 §7.1) as if it had
    /// been received.
    pub fn add_parameter_set(&mut self, unit: &[u8]) {
        self.0.add_parameter_set(unit);
    }
}

impl Format for H265 {
    fn codec(&self) -> MimeType {
        MimeType::H265
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
struct H265Syntax {
    /// Packets carry decoding order numbers.
    ordered: bool,
}

impl Syntax for H265Syntax {
    type Header = Header;

    const PARAMETER_SETS: &'static [u8] = &[VPS, SPS, PPS];
    const SPS: u8 = SPS;

    fn parse<'a>(&self, payload: &'a [u8]) -> Result<Parsed<'a, Header>, PayloadError> {
        let (header, rest) = Header::decode(payload)?;
        if header.kind() != PACI {
            return self.parse_as(header, rest);
        }
        // RFC 7798 §4.4.4: A, the type of what is inside, the length of the extension, flags; then the extension.
        let ([first, second], rest) = rest.split_first_chunk().ok_or(PayloadError::Truncated)?;
        let inner = header.with_kind(first >> 1 & 0x3f);
        let extension = usize::from(first & 1) << 4 | usize::from(second >> 4);
        let rest = rest.get(extension..).ok_or(PayloadError::Length)?;
        // PACI inside PACI is forbidden: parse_as() does not know the type.
        self.parse_as(inner, rest)
    }

    /// The first unit of an aggregate has its number in full, every other how far it lies behind the one before
    /// (RFC 7798 §4.4.2).
    fn take_unit<'a>(
        &self,
        aggregate: &mut Aggregate<'a>,
    ) -> Result<Piece<'a, Header>, PayloadError> {
        if self.ordered {
            aggregate.order = Some(match aggregate.order {
                None => take_order(&mut aggregate.rest)?,
                Some(before) => {
                    let step = aggregate.rest.split_off_first();
                    let step = step.ok_or(PayloadError::Truncated)?;
                    before.wrapping_add(u16::from(*step)).wrapping_add(1)
                }
            });
        }
        let (header, body) = Header::decode(aggregate.take()?)?;
        if !header.is_plain() {
            return Err(PayloadError::Value);
        }
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

    fn info(header: Header, body: &[u8], have_sps: bool) -> PayloadInfo {
        header.info(body, have_sps)
    }

    fn set_id(header: Header, body: &[u8]) -> Option<u32> {
        match header.kind() {
            VPS => body.first().map(|first| u32::from(first >> 4)),
            SPS => sps::id(body).ok(),
            _ => Bits::new(&unescaped(body)).exp_golomb().ok(),
        }
    }

    fn resolution(body: &[u8]) -> Option<Resolution> {
        sps::resolution(body).ok()
    }

    fn split(unit: &[u8]) -> Option<(Header, &[u8])> {
        Header::decode(unit).ok()
    }
}

impl H265Syntax {
    fn parse_as<'a>(
        &self,
        header: Header,
        mut rest: &'a [u8],
    ) -> Result<Parsed<'a, Header>, PayloadError> {
        if rest.is_empty() {
            return Err(PayloadError::Truncated);
        }
        match header.kind() {
            AGGREGATION => Ok(Parsed::Aggregate(Aggregate::new(rest))),
            FRAGMENTATION => {
                let fu = *rest.split_off_first().ok_or(PayloadError::Truncated)?;
                let (start, header) = (fu & 0x80 != 0, header.with_kind(fu));
                // Only the first fragment has the number of its unit (RFC 7798 §4.4.3).
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
                    end: fu & 0x40 != 0,
                })
            }
            _ if header.is_plain() => Ok(Parsed::Unit(Piece {
                header,
                order: self.order(true, &mut rest)?,
                body: rest,
            })),
            _ => Err(PayloadError::Value),
        }
    }

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
    nal::describe::<H265Syntax>(access_unit)
}
