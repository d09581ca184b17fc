//! The coordinator: the machines of one connection, and the five verbs over all of them.

mod channels;
mod early;
mod media;
mod negotiate;
mod receive;
mod settle;
mod state;
mod transmit;
mod transport;

pub use state::ConnectionState;
