//! Telephone events, such as the tones of a keypad (RFC 4733).

mod dtmf;
mod event;
mod receiver;
mod sender;
#[cfg(test)]
mod tests;

pub use dtmf::{DtmfOutput, DtmfSender, InvalidTone};
pub use event::{TelephoneEvent, Tone};
pub use receiver::{ReceivedEvent, TelephoneEventReceiver};
pub use sender::{EventPacket, EventPackets};
