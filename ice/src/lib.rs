#![doc = include_str!("../README.md")]

mod agent;
mod budget;
mod candidate;
mod config;
mod credentials;
mod error;
mod event;
pub mod framing;
mod grow;
mod hash;
pub mod mdns;
pub mod mux;
pub mod path_mtu;
mod rewrite;
mod stats;

pub use agent::Agent;
pub use budget::CheckBudget;
pub use candidate::{Candidate, CandidateKind, CandidateTransport, ParseCandidateError, TcpType};
pub use config::{Config, Mode, Policy, Role};
pub use credentials::Credentials;
pub use error::{AddCandidateError, AddStunServerError, ConfigError, CredentialsError};
pub use event::{Event, InterfaceFact, SelectionReason, State, StreamFact};
pub use rewrite::{AddressRewrite, RewriteMode};
pub use stats::{CandidateStats, PairState, PairStats, Stats};
