//! What the tests of every codec share: the clips, a hostile path, and the attack cases.

mod cases;
mod clips;
mod path;
mod properties;

pub(super) use cases::case;
pub(crate) use cases::hex;
pub(super) use clips::{access_units, ivf, ogg_packets};
pub(super) use path::{packets_of, receive, shuffled, survives_bad_input};
