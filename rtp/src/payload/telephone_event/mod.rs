//! Telephone events, such as the tones of a keypad (RFC 4733).

mod event;
mod receiver;
mod sender;
#[cfg(test)]
mod tests;

pub use event::{TelephoneEvent, Tone};
pub use receiver::{ReceivedEvent, TelephoneEventReceiver};
pub use sender::{EventPacket, EventPackets};
