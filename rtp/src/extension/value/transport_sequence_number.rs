/// The number that counts every packet of a transport, modulo 2¹⁶, for congestion feedback
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01 §2). Two octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TransportSequenceNumber(u16);

impl TransportSequenceNumber {
    /// Makes a number.
    pub const fn new(value: u16) -> Self {
        Self(value)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Reads the value of the extension; `None` if it has another length.
    pub fn decode(value: &[u8]) -> Option<Self> {
        value
            .try_into()
            .ok()
            .map(|octets| Self(u16::from_be_bytes(octets)))
    }

    /// The value of the extension.
    pub const fn encode(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }
}

/// The second version of the extension: a [`TransportSequenceNumber`] that may ask for feedback
/// (transport-wide-cc-02). Two octets, or four with a request.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |  transport sequence number    |T|       sequence count        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TransportSequenceNumber2 {
    /// The number of the packet.
    pub number: TransportSequenceNumber,
    /// The feedback that is asked for; `None` if none is.
    pub request: Option<FeedbackRequest>,
}

/// Feedback that a packet asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FeedbackRequest {
    /// T: arrival times are wanted too, not only which packets came.
    pub timestamps: bool,
    /// How many packets are to be reported, this one the last: 1 to 32,767.
    pub sequence_count: u16,
}

impl TransportSequenceNumber2 {
    /// Reads the value of the extension; `None` if it has another length. A request for no packets is none.
    pub fn decode(value: &[u8]) -> Option<Self> {
        let (number, request) = value.split_first_chunk()?;
        let request = match *request {
            [] => None,
            [r0, r1] => {
                let fields = u16::from_be_bytes([r0, r1]);
                let sequence_count = fields & 0x7fff;
                (sequence_count > 0).then_some(FeedbackRequest {
                    timestamps: fields & 0x8000 != 0,
                    sequence_count,
                })
            }
            _ => return None,
        };
        let number = TransportSequenceNumber(u16::from_be_bytes(*number));
        Some(Self { number, request })
    }

    /// Appends the value of the extension. Of the count the low 15 bits travel.
    pub fn encode(self, buf: &mut Vec<u8>) {
        buf.extend_from_slice(&self.number.encode());
        if let Some(request) = self.request {
            let fields = u16::from(request.timestamps) << 15 | request.sequence_count & 0x7fff;
            buf.extend_from_slice(&fields.to_be_bytes());
        }
    }
}
