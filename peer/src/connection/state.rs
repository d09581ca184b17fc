//! The one state of all transports.

use crate::event::Failure;

/// W3C `RTCPeerConnectionState`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionState {
    /// Nothing has begun.
    #[default]
    New,
    /// Checks or the handshake are under way.
    Connecting,
    /// Data flows.
    Connected,
    /// The path is silent; it may recover.
    Disconnected,
    /// It broke for good; an ICE restart may help where ICE failed.
    Failed,
    /// Closed.
    Closed,
}

/// The state from its parts (W3C WebRTC §4.3.3).
pub(super) const fn aggregate(
    ice: ice::State,
    dtls_connected: bool,
    failure: Option<Failure>,
    closed: bool,
) -> ConnectionState {
    if closed {
        return ConnectionState::Closed;
    }
    if failure.is_some() {
        return ConnectionState::Failed;
    }
    match ice {
        ice::State::Failed => ConnectionState::Failed,
        ice::State::Disconnected => ConnectionState::Disconnected,
        ice::State::New => ConnectionState::New,
        ice::State::Checking => ConnectionState::Connecting,
        ice::State::Connected | ice::State::Completed => {
            if dtls_connected {
                ConnectionState::Connected
            } else {
                ConnectionState::Connecting
            }
        }
        ice::State::Closed => ConnectionState::Closed,
    }
}
