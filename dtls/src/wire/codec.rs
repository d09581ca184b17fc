use thiserror::Error;

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum DecodeError {
    /// The bytes end too early.
    #[error("truncated")]
    Truncated,
    /// A length does not fit what it stands for.
    #[error("wrong length")]
    Length,
    /// A field has a value that is not allowed.
    #[error("bad value of {0}")]
    Value(&'static str),
    /// Something stands where it must not.
    #[error("{0} in the wrong place")]
    Place(&'static str),
}

pub(super) fn take<'a>(buf: &mut &'a [u8], length: usize) -> Result<&'a [u8], DecodeError> {
    buf.split_off(..length).ok_or(DecodeError::Truncated)
}

fn array<const N: usize>(buf: &mut &[u8]) -> Result<[u8; N], DecodeError> {
    let (head, rest) = buf.split_first_chunk().ok_or(DecodeError::Truncated)?;
    *buf = rest;
    Ok(*head)
}

pub(super) fn u8(buf: &mut &[u8]) -> Result<u8, DecodeError> {
    array(buf).map(|[byte]| byte)
}

pub(super) fn u16(buf: &mut &[u8]) -> Result<u16, DecodeError> {
    array(buf).map(u16::from_be_bytes)
}

pub(super) fn u24(buf: &mut &[u8]) -> Result<u32, DecodeError> {
    array(buf).map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
}

pub(super) fn u32(buf: &mut &[u8]) -> Result<u32, DecodeError> {
    array(buf).map(u32::from_be_bytes)
}

pub(super) fn u48(buf: &mut &[u8]) -> Result<u64, DecodeError> {
    array(buf).map(|[a, b, c, d, e, f]| u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
}

pub(super) fn random(buf: &mut &[u8]) -> Result<[u8; 32], DecodeError> {
    array(buf)
}

/// A vector with a length of one byte.
pub(crate) fn vec8<'a>(buf: &mut &'a [u8]) -> Result<&'a [u8], DecodeError> {
    let length = u8(buf)?;
    take(buf, length.into())
}

/// A vector with a length of two bytes.
pub(crate) fn vec16<'a>(buf: &mut &'a [u8]) -> Result<&'a [u8], DecodeError> {
    let length = u16(buf)?;
    take(buf, length.into())
}

/// A vector with a length of three bytes.
pub(super) fn vec24<'a>(buf: &mut &'a [u8]) -> Result<&'a [u8], DecodeError> {
    let length = usize::try_from(u24(buf)?).map_err(|_| DecodeError::Length)?;
    take(buf, length)
}

/// A whole list of 16-bit numbers, not empty.
pub(super) fn numbers(bytes: &[u8]) -> Result<impl Iterator<Item = u16> + Clone, DecodeError> {
    let (pairs, rest) = bytes.as_chunks();
    if pairs.is_empty() || !rest.is_empty() {
        return Err(DecodeError::Length);
    }
    Ok(pairs.iter().map(|pair| u16::from_be_bytes(*pair)))
}

/// Nothing may follow.
pub(crate) const fn end(buf: &[u8]) -> Result<(), DecodeError> {
    if buf.is_empty() {
        Ok(())
    } else {
        Err(DecodeError::Length)
    }
}

pub(super) fn put_u16(buf: &mut Vec<u8>, value: u16) {
    buf.extend_from_slice(&value.to_be_bytes());
}

pub(super) fn put_u32(buf: &mut Vec<u8>, value: u32) {
    buf.extend_from_slice(&value.to_be_bytes());
}

/// The low 24 bits.
pub(super) fn put_u24(buf: &mut Vec<u8>, value: u32) {
    let [_, low @ ..] = value.to_be_bytes();
    buf.extend_from_slice(&low);
}

/// A vector whose length takes `N` bytes in front. What we write ourselves always fits.
pub(crate) fn put_vec<const N: usize>(buf: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = buf.len();
    buf.extend_from_slice(&[0; N]);
    write(buf);
    let length = buf.len().saturating_sub(start).saturating_sub(N);
    let bytes = length.to_be_bytes();
    if let (Some(head), Some(low)) = (
        buf.get_mut(start..).and_then(<[u8]>::first_chunk_mut::<N>),
        bytes.last_chunk::<N>(),
    ) {
        *head = *low;
    }
}
