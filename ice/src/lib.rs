#![doc = include_str!("../README.md")]

mod agent;
mod candidate;
mod config;
mod credentials;
mod error;
mod event;
mod hash;
pub mod mux;
mod stats;

pub use agent::Agent;
pub use candidate::{Candidate, CandidateKind, CandidateTransport, ParseCandidateError, TcpType};
pub use config::{Config, Mode, Role};
pub use credentials::Credentials;
pub use error::{AddCandidateError, AddStunServerError, ConfigError, CredentialsError};
pub use event::{Event, State};
pub use stats::{PairState, PairStats, Stats};
