use crate::framing::Frame;

/// A packet of a type or feedback format that this crate does not read, as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown<'a> {
    /// The packet type.
    pub packet_type: u8,
    /// The five bits of the count, subtype or feedback format.
    pub count: u8,
    /// What follows the four octets of the header, without padding.
    pub body: &'a [u8],
}

impl<'a> Unknown<'a> {
    pub(crate) const fn new(frame: Frame<'a>) -> Self {
        Self {
            packet_type: frame.packet_type,
            count: frame.count,
            body: frame.body,
        }
    }
}
