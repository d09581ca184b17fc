#![doc = include_str!("../README.md")]

pub mod limits;

mod attribute;
mod builder;
mod description;
mod error;
mod section;
mod text;
mod validate;

pub use attribute::{
    Attribute, Bandwidth, CodecDescription, Direction, Extension, Feedback, Fingerprint, Group,
    IceCredentials, Msid, Parameter, Parameters, Rid, RidDirection, Setup, Simulcast,
    SimulcastStream, Source, SourceGroup,
};
pub use builder::DescriptionBuilder;
pub use description::SessionDescription;
pub use error::{
    BuildError, EditError, ParseError, ParseErrorKind, SemanticError, SemanticErrorKind,
};
pub use section::{MediaKind, MediaSection, Origin, Protocol, SessionSection};
