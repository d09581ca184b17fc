/// Whether a packet on a port that carries both is RTCP rather than RTP (RFC 5761 §4).
///
/// The second octet of RTCP is its packet type, 192 to 223; in RTP it is the marker bit and the payload type,
/// and types 64 to 95 are kept free so that neither value of the marker can be confused. Shorter input is not RTCP.
/// The first octet is not looked at: RFC 7983 has already sorted RTP and RTCP from the rest by it.
pub fn is_rtcp(packet: &[u8]) -> bool {
    matches!(packet, [_, second, ..] if matches!(second & 0x7f, 64..=95))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_octet_decides_between_rtp_and_rtcp() {
        for second in 0..=255_u8 {
            let expected = (64..=95).contains(&second) || (192..=223).contains(&second);
            assert_eq!(is_rtcp(&[0x80, second]), expected, "{second}");
        }
        assert!(!is_rtcp(&[]));
        assert!(!is_rtcp(&[0x80]));
    }
}
