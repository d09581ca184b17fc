pub mod dependency;
mod form;
mod map;
mod storage;
mod text;
mod value;
mod values;

pub use form::{ExtensionForm, ExtensionFormPolicy, ExtensionIter};
pub use map::{ExtensionIds, ExtensionMap, ExtensionUri};
pub use text::{Mid, Rid};
pub use value::*;
pub use values::{Extensions, ExtensionsIter};
