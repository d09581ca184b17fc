use crc_fast::CrcAlgorithm::Crc32Iscsi;

use super::HEADER_LENGTH;

/// CRC32c of a packet or a part of one.
///
/// Where the processor has them the library takes 384 bytes at a time with wide instructions, beginning at a cache line, and the rest
/// word by word: a rest of 380 bytes, which is what a full packet has at every other address, takes as long as the thousand bytes before
/// it. Zeros before a message change nothing about a sum that begins at zero, so a long rest is copied behind as many
/// as make it 384 bytes.
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    let Some((head, rest)) = long_rest(bytes) else {
        return crc_fast::crc32_iscsi(bytes);
    };
    let mut line = Lines([0; STRIDE]);
    let start = STRIDE.saturating_sub(rest.len());
    let Some(place) = line.0.get_mut(start..) else {
        return crc_fast::crc32_iscsi(bytes);
    };
    place.copy_from_slice(rest);
    // Where the head ends; the library's function begins with ones and inverts the end.
    let state = !crc_fast::crc32_iscsi(head);
    for (byte, change) in place.iter_mut().zip(state.to_le_bytes()) {
        *byte ^= change;
    }
    for byte in line.0.iter_mut().take(4) {
        *byte ^= 0xff;
    }
    crc_fast::crc32_iscsi(&line.0)
}

/// Splits bytes where the library would go on word by word, if that is far from the end.
#[cfg(target_arch = "x86_64")]
fn long_rest(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_wide = std::arch::is_x86_feature_detected!("avx512vl")
        && std::arch::is_x86_feature_detected!("vpclmulqdq");
    if !is_wide {
        return None;
    }
    let before = bytes.as_ptr().align_offset(LINE);
    let aligned = bytes.len().checked_sub(before)?;
    let rest = aligned.checked_rem(STRIDE)?;
    let head = bytes.len().checked_sub(rest)?;
    // A head of less than a stride is not worth two calls.
    if rest < LONG || aligned < STRIDE {
        return None;
    }
    bytes.split_at_checked(head)
}

#[cfg(not(target_arch = "x86_64"))]
fn long_rest(_: &[u8]) -> Option<(&[u8], &[u8])> {
    None
}

/// What the library takes at a time.
#[repr(align(64))]
struct Lines([u8; STRIDE]);

const STRIDE: usize = 384;
const LINE: usize = 64;
/// A shorter rest costs less than the copy.
const LONG: usize = 256;

/// CRC32c over packets whose own field counts as zero (RFC 9260 §6.8), with what is worth keeping of the packet before.
///
/// Ports and tag are the same in all packets of an association, and its packets often have one length, so what a header adds to the sum is
/// often known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Checksum {
    last: Option<Known>,
}

/// What is known of a header.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Ports and tag.
    names: [u8; 8],
    /// The state of the computation after it.
    state: u64,
    /// How long the chunks were that followed it last.
    length: usize,
    /// By what it changes the sum of so many bytes of chunks, whatever they are; once they had this length twice.
    share: Option<u32>,
}

impl Checksum {
    /// The sum of a packet.
    pub(super) fn over(&mut self, header: &[u8; HEADER_LENGTH], chunks: &[u8]) -> u32 {
        let known = self.known(header);
        let again = known.length == chunks.len();
        if again && let Some(share) = known.share {
            return share ^ crc32c(chunks);
        }
        let mut digest = crc_fast::Digest::new_with_init_state(Crc32Iscsi, known.state);
        digest.update(chunks);
        // The sum has 32 bits; the library carries every width in 64.
        #[expect(clippy::cast_possible_truncation, reason = "a 32-bit sum")]
        let sum = digest.finalize() as u32;
        known.share = again.then(|| sum ^ crc32c(chunks));
        known.length = chunks.len();
        sum
    }

    fn known(&mut self, [p0, p1, p2, p3, t0, t1, t2, t3, ..]: &[u8; HEADER_LENGTH]) -> &mut Known {
        let names = [*p0, *p1, *p2, *p3, *t0, *t1, *t2, *t3];
        let last = self.last.take_if(|last| last.names == names);
        self.last.insert(last.unwrap_or_else(|| {
            let mut digest = crc_fast::Digest::new(Crc32Iscsi);
            digest.update(&[*p0, *p1, *p2, *p3, *t0, *t1, *t2, *t3, 0, 0, 0, 0]);
            Known {
                names,
                state: digest.get_state(),
                length: 0,
                share: None,
            }
        }))
    }
}
