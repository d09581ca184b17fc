use crate::Resolution;
use crate::bits::Bits;
use crate::payload::PayloadError;
use crate::payload::nal::{take_size, unescaped};

/// The general constraint flags up to the count of additional ones (ITU-T H.266 §7.3.3.2).
const CONSTRAINT_BITS: usize = 71;

/// The size of the largest pictures of a sequence parameter set, from what follows its header (ITU-T H.266 §7.3.2.4).
pub(super) fn resolution(body: &[u8]) -> Result<Resolution, PayloadError> {
    let plain = unescaped(body);
    let mut bits = Bits::new(&plain);
    bits.skip(8)?;
    let sub_layers = bits.bits(3)?;
    if sub_layers > 6 {
        return Err(PayloadError::Value);
    }
    let chroma_format = bits.bits(2)?;
    bits.skip(2)?;
    if bits.bit()? {
        skip_profile(sub_layers, &mut bits)?;
    }
    bits.skip(1)?;
    // sps_res_change_in_clvs_allowed_flag is there only if pictures can refer to those of another size.
    if bits.bit()? {
        bits.skip(1)?;
    }
    take_size(chroma_format, &mut bits)
}

/// Profile, tier and level (ITU-T H.266 §7.3.3.1). It begins at a whole octet and ends at one.
fn skip_profile(sub_layers: u32, bits: &mut Bits<'_>) -> Result<(), PayloadError> {
    // Profile, tier, level, and whether there are only frames and several layers.
    bits.skip(7 + 1 + 8 + 1 + 1)?;
    if bits.bit()? {
        bits.skip(CONSTRAINT_BITS)?;
        let additional = bits.bits(8)?;
        bits.skip(additional as usize)?;
    }
    bits.align();
    let mut levels = 0;
    for _ in 0..sub_layers {
        levels += usize::from(bits.bit()?);
    }
    bits.align();
    bits.skip(levels * 8)?;
    let sub_profiles = bits.bits(8)?;
    bits.skip(sub_profiles as usize * 32)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::bits::BitWriter;

    pub(in crate::payload::h266) const SIZE: Resolution = Resolution {
        width: 1918,
        height: 1080,
    };

    /// What stands in front of the size in a sequence parameter set.
    #[derive(Clone, Copy, Default)]
    pub(in crate::payload::h266) struct Front {
        pub(in crate::payload::h266) sub_layers: u32,
        pub(in crate::payload::h266) profile: bool,
        /// The additional constraint bits, if there are constraints.
        pub(in crate::payload::h266) constraints: Option<u32>,
        pub(in crate::payload::h266) sub_profiles: u32,
        pub(in crate::payload::h266) resampling: bool,
    }

    fn exp_golomb(writer: &mut BitWriter<'_>, value: u32) {
        let width = u32::BITS - (value + 1).leading_zeros();
        writer.bits(0, width - 1);
        writer.bits(value + 1, width);
    }

    /// The sequence parameter set of pictures of 1920 times 1088, of which `SIZE` is shown, in the order of ITU-T H.266
    /// §7.3.2.4 and §7.3.3.
    pub(in crate::payload::h266) fn sps_body(front: Front) -> Vec<u8> {
        let mut body = Vec::new();
        let mut writer = BitWriter::new(&mut body);
        writer.bits(3, 4);
        writer.bits(1, 4);
        writer.bits(front.sub_layers, 3);
        writer.bits(1, 2);
        writer.bits(2, 2);
        writer.bit(front.profile);
        if front.profile {
            writer.bits(1, 7);
            writer.bits(0, 1);
            writer.bits(51, 8);
            writer.bits(0b10, 2);
            let mut used = 19;
            writer.bit(front.constraints.is_some());
            if let Some(additional) = front.constraints {
                for _ in 0..71 {
                    writer.bit(true);
                }
                writer.bits(additional, 8);
                for _ in 0..additional {
                    writer.bit(true);
                }
                used += 71 + 8 + additional;
            }
            writer.bits(0, (8 - used % 8) % 8);
            // Every other layer below the highest has a level.
            for layer in 0..front.sub_layers {
                writer.bit(layer % 2 == 0);
            }
            writer.bits(0, (8 - front.sub_layers % 8) % 8);
            for _ in 0..front.sub_layers.div_ceil(2) {
                writer.bits(0xff, 8);
            }
            writer.bits(front.sub_profiles, 8);
            for _ in 0..front.sub_profiles {
                writer.bits(0xdead_beef, 32);
            }
        }
        writer.bit(false);
        writer.bit(front.resampling);
        if front.resampling {
            writer.bit(true);
        }
        exp_golomb(&mut writer, 1920);
        exp_golomb(&mut writer, 1088);
        writer.bit(true);
        for offset in [0, 1, 1, 3] {
            exp_golomb(&mut writer, offset);
        }
        // What follows is not read.
        writer.bits(0x8000_0001, 32);
        body
    }

    #[test]
    fn the_size_is_read_whatever_stands_in_front_of_it() {
        for sub_layers in 0..7 {
            for constraints in [None, Some(0), Some(6), Some(255)] {
                for (profile, resampling, sub_profiles) in
                    [(false, true, 0), (true, false, 0), (true, true, 3)]
                {
                    let front = Front {
                        sub_layers,
                        profile,
                        constraints,
                        sub_profiles,
                        resampling,
                    };
                    assert_eq!(resolution(&sps_body(front)), Ok(SIZE));
                }
            }
        }
        // More than seven sub-layers there are none.
        let front = Front {
            sub_layers: 7,
            ..Front::default()
        };
        assert_eq!(resolution(&sps_body(front)), Err(PayloadError::Value));
        // More sub-profiles than are read.
        let front = Front {
            profile: true,
            sub_profiles: 255,
            ..Front::default()
        };
        assert!(resolution(&sps_body(front)).is_err());
    }

    /// H-*
    #[test]
    fn catalogue_h_parameter_sets_cut_or_mutated_never_panic() {
        let set = sps_body(Front {
            sub_layers: 3,
            profile: true,
            constraints: Some(6),
            sub_profiles: 1,
            resampling: true,
        });
        for len in 0..set.len() {
            // The last octets lie behind the size.
            let told = resolution(&set[..len]);
            assert!(told == Err(PayloadError::Truncated) || len + 4 >= set.len());
        }
        let mut mutant = set.clone();
        for place in 0..set.len() {
            for value in 1..=255 {
                mutant[place] = set[place] ^ value;
                let _ = resolution(&mutant);
            }
            mutant[place] = set[place];
        }
    }
}
