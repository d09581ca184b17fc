/// How the numbers of a picture mean colours (color-space). Four octets, or twenty-eight with [`HdrMetadata`].
///
/// ```text
/// +-+-+-+-+-+-+-+-+
/// |   primaries   |
/// |   transfer    |
/// |    matrix     |
/// |0 0|RNG|HOR|VER|   range, horizontal and vertical siting of the chroma samples
/// +-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ColorSpace {
    /// `ColourPrimaries` of ITU-T H.273 §8.1.
    pub primaries: u8,
    /// `TransferCharacteristics` of ITU-T H.273 §8.2.
    pub transfer: u8,
    /// `MatrixCoefficients` of ITU-T H.273 §8.3.
    pub matrix: u8,
    /// 0 unknown, 1 limited, 2 full, 3 as the transfer says. Two bits.
    pub range: u8,
    /// 0 unknown, 1 with the left luma sample, 2 between two. Two bits.
    pub chroma_siting_horizontal: u8,
    /// As `chroma_siting_horizontal`, but 1 is the upper. Two bits.
    pub chroma_siting_vertical: u8,
    /// How bright the picture is.
    pub hdr: Option<HdrMetadata>,
}

/// What display the picture was made for, and how bright it is (SMPTE ST 2086, CTA-861.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct HdrMetadata {
    /// The brightest of the display, in cd/m².
    pub luminance_max: u16,
    /// The darkest of the display, in 1/10,000 cd/m².
    pub luminance_min: u16,
    /// Red, green and blue of the display.
    pub primaries: [Chromaticity; 3],
    /// Its white.
    pub white_point: Chromaticity,
    /// The brightest pixel, in cd/m².
    pub max_content_light_level: u16,
    /// The brightest average of a frame, in cd/m².
    pub max_frame_average_light_level: u16,
}

/// A colour by its CIE 1931 coordinates, in 1/50,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Chromaticity {
    /// x.
    pub x: u16,
    /// y.
    pub y: u16,
}

const HDR_LEN: usize = 24;

impl ColorSpace {
    /// Reads the value of the extension; `None` if it has another length.
    pub fn decode(value: &[u8]) -> Option<Self> {
        let (&[primaries, transfer, matrix, packed], hdr) = value.split_first_chunk()?;
        Some(Self {
            primaries,
            transfer,
            matrix,
            range: packed >> 4 & 0x03,
            chroma_siting_horizontal: packed >> 2 & 0x03,
            chroma_siting_vertical: packed & 0x03,
            hdr: match hdr {
                [] => None,
                _ => Some(HdrMetadata::decode(hdr)?),
            },
        })
    }

    /// Appends the value of the extension. Of the last three fields the low two bits travel.
    pub fn encode(self, buf: &mut Vec<u8>) {
        buf.extend_from_slice(&[
            self.primaries,
            self.transfer,
            self.matrix,
            (self.range & 0x03) << 4
                | (self.chroma_siting_horizontal & 0x03) << 2
                | self.chroma_siting_vertical & 0x03,
        ]);
        if let Some(hdr) = self.hdr {
            hdr.encode(buf);
        }
    }
}

impl HdrMetadata {
    fn decode(value: &[u8]) -> Option<Self> {
        if value.len() != HDR_LEN {
            return None;
        }
        let (fields, _) = value.as_chunks();
        let mut fields = fields.iter().map(|&field| u16::from_be_bytes(field));
        let mut field = || fields.next().unwrap_or_default();
        let (luminance_max, luminance_min) = (field(), field());
        let mut colour = || Chromaticity {
            x: field(),
            y: field(),
        };
        Some(Self {
            luminance_max,
            luminance_min,
            primaries: [colour(), colour(), colour()],
            white_point: colour(),
            max_content_light_level: field(),
            max_frame_average_light_level: field(),
        })
    }

    fn encode(self, buf: &mut Vec<u8>) {
        let mut write = |field: u16| buf.extend_from_slice(&field.to_be_bytes());
        write(self.luminance_max);
        write(self.luminance_min);
        for colour in self.primaries.iter().chain([&self.white_point]) {
            write(colour.x);
            write(colour.y);
        }
        write(self.max_content_light_level);
        write(self.max_frame_average_light_level);
    }
}
