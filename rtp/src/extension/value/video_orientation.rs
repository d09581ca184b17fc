/// How a receiver must turn the picture to show it upright (3GPP TS 26.114 §7.4.5). One octet.
///
/// ```text
///  0 1 2 3 4 5 6 7
/// +-+-+-+-+-+-+-+-+
/// |0 0 0 0|C|F| R |
/// +-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct VideoOrientation {
    /// C: the camera at the back, which faces away from the user.
    pub back_camera: bool,
    /// F: the picture is mirrored from left to right.
    pub flip: bool,
    /// R: how far to turn the picture.
    pub rotation: Rotation,
}

/// How far to turn a picture clockwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rotation {
    /// Not at all.
    #[default]
    None,
    /// By 90 degrees.
    Quarter,
    /// By 180 degrees.
    Half,
    /// By 270 degrees.
    ThreeQuarters,
}

impl Rotation {
    /// The degrees clockwise.
    pub const fn degrees(self) -> u16 {
        self as u16 * 90
    }
}

impl VideoOrientation {
    /// Reads the value of the extension; `None` if it has another length. The four highest bits are ignored.
    pub const fn decode(value: &[u8]) -> Option<Self> {
        let &[octet] = value else { return None };
        Some(Self {
            back_camera: octet & 0x08 != 0,
            flip: octet & 0x04 != 0,
            rotation: match octet & 0x03 {
                0 => Rotation::None,
                1 => Rotation::Quarter,
                2 => Rotation::Half,
                _ => Rotation::ThreeQuarters,
            },
        })
    }

    /// The value of the extension.
    pub const fn encode(self) -> [u8; 1] {
        [(self.back_camera as u8) << 3 | (self.flip as u8) << 2 | self.rotation as u8]
    }
}
