//! Typed views: nothing is stored, every getter reads the lines of its section.

#![warn(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

mod media;
mod media_line;
mod origin;
mod session;

pub use media::MediaSection;
pub(crate) use media_line::MediaLine;
pub use media_line::{MediaKind, Protocol};
pub use origin::Origin;
pub use session::SessionSection;
