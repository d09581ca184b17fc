/// The code of an error response, 300 to 699 (RFC 8489 §14.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorCode(u16);

impl ErrorCode {
    /// Another server should be asked (RFC 8489 §10).
    pub const TRY_ALTERNATE: Self = Self(300);
    /// The request was malformed.
    pub const BAD_REQUEST: Self = Self(400);
    /// The integrity was missing or wrong.
    pub const UNAUTHENTICATED: Self = Self(401);
    /// The server does not do that for this client or this peer (RFC 8656 §19).
    pub const FORBIDDEN: Self = Self(403);
    /// Mobility is refused (RFC 8016 §3.5).
    pub const MOBILITY_FORBIDDEN: Self = Self(405);
    /// The request has comprehension-required attributes that the server does not know.
    pub const UNKNOWN_ATTRIBUTE: Self = Self(420);
    /// There is an allocation where none may be, or none where one must be (RFC 8656 §19).
    pub const ALLOCATION_MISMATCH: Self = Self(437);
    /// The nonce is not valid any more; the response has the next one (RFC 8489 §9.2.4).
    pub const STALE_NONCE: Self = Self(438);
    /// The server has no relayed addresses of that family (RFC 8656 §19).
    pub const ADDRESS_FAMILY_NOT_SUPPORTED: Self = Self(440);
    /// The allocation was made by another user (RFC 8656 §19).
    pub const WRONG_CREDENTIALS: Self = Self(441);
    /// The server does not relay that transport (RFC 8656 §19).
    pub const UNSUPPORTED_TRANSPORT_PROTOCOL: Self = Self(442);
    /// The peer's family is not that of the allocation (RFC 8656 §19).
    pub const PEER_ADDRESS_FAMILY_MISMATCH: Self = Self(443);
    /// There is a connection to that peer already (RFC 6062 §6.3).
    pub const CONNECTION_ALREADY_EXISTS: Self = Self(446);
    /// The peer could not be reached over TCP (RFC 6062 §6.3).
    pub const CONNECTION_TIMEOUT_OR_FAILURE: Self = Self(447);
    /// The user has all the allocations that it may have (RFC 8656 §19).
    pub const ALLOCATION_QUOTA_REACHED: Self = Self(486);
    /// Both sides believe they have the same role (RFC 8445 §7.3.1.1).
    pub const ROLE_CONFLICT: Self = Self(487);
    /// The server failed; a retry may help (RFC 8489 §14.8).
    pub const SERVER_ERROR: Self = Self(500);
    /// The server is full (RFC 8656 §19).
    pub const INSUFFICIENT_CAPACITY: Self = Self(508);

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Class and number as they stand in ERROR-CODE and ADDRESS-ERROR-CODE: 3 to 6, and 0 to 99.
    pub(crate) fn from_wire(class: u8, number: u8) -> Option<Self> {
        let class = u16::from(class & 0x07);
        let number = u16::from(number);
        ((3..=6).contains(&class) && number < 100)
            .then(|| Self(class.saturating_mul(100).saturating_add(number)))
    }
}
