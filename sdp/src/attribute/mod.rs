//! One file per attribute: its type, its parser and its writer, which are each other's inverse.

#![warn(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects
)]

mod bandwidth;
mod codec;
mod direction;
mod extension;
mod feedback;
mod fingerprint;
mod group;
mod ice;
mod msid;
mod parameters;
mod rid;
mod setup;
mod simulcast;
mod source;

pub use bandwidth::Bandwidth;
pub use codec::CodecDescription;
pub(crate) use codec::codecs;
pub use direction::Direction;
pub use extension::Extension;
pub use feedback::Feedback;
pub use fingerprint::Fingerprint;
pub use group::Group;
pub use ice::IceCredentials;
pub use msid::Msid;
pub use parameters::{Parameter, Parameters};
pub use rid::{Rid, RidDirection};
pub use setup::Setup;
pub use simulcast::{Simulcast, SimulcastStream};
pub(crate) use source::sources;
pub use source::{Source, SourceGroup};

/// An `a=` line as it stands: `a=name` or `a=name:value` (RFC 8866 §5.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attribute<'a> {
    /// The name; names are case-sensitive.
    pub name: &'a str,
    /// The text after the colon without trailing spaces, `None` for a flag.
    pub value: Option<&'a str>,
}
