use std::time::{Duration, Instant};

use net::{Datagram, Path, Transmit};

use crate::{
    AddCandidateError, Candidate, Config, ConfigError, Credentials, Event, Mode, PairStats, Role,
    State, Stats,
};

/// An ICE agent for one component.
#[derive(Debug)]
pub struct Agent {
    credentials: Credentials,
    locals: Vec<Candidate>,
    role: Role,
}

impl Agent {
    /// A new agent with random credentials.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        config.validate()?;
        let mut rng = <rand::rngs::StdRng as rand::SeedableRng>::from_seed(config.seed);
        Ok(Self {
            credentials: Credentials::generate(&mut rng),
            locals: Vec::new(),
            role: config.role,
        })
    }
    /// The credentials to signal.
    pub const fn local_credentials(&self) -> &Credentials {
        &self.credentials
    }
    /// The peer's credentials; checks start.
    pub fn set_remote_credentials(
        &mut self,
        _now: Instant,
        _credentials: Credentials,
        _mode: Mode,
    ) {
    }
    /// New local credentials.
    pub fn restart(&mut self, _now: Instant) {}
    /// The role.
    pub const fn role(&self) -> Role {
        self.role
    }
    /// Sets the role.
    pub fn set_role(&mut self, _now: Instant, role: Role) {
        self.role = role;
    }
    /// Adds a local candidate.
    pub fn add_local_candidate(
        &mut self,
        _now: Instant,
        candidate: Candidate,
    ) -> Result<(), AddCandidateError> {
        self.locals.push(candidate);
        Ok(())
    }
    /// The local candidates to signal.
    pub fn local_candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.locals.iter()
    }
    /// Adds a remote candidate.
    pub fn add_remote_candidate(
        &mut self,
        _now: Instant,
        _candidate: Candidate,
    ) -> Result<(), AddCandidateError> {
        Ok(())
    }
    /// No more remote candidates of this generation.
    pub fn end_of_remote_candidates(&mut self, _now: Instant) {}
    /// A datagram arrived.
    pub fn handle_datagram(&mut self, _now: Instant, _datagram: Datagram<'_>) {}
    /// A deadline passed.
    pub fn handle_timeout(&mut self, _now: Instant) {}
    /// The next deadline.
    pub const fn poll_timeout(&self) -> Option<Instant> {
        None
    }
    /// Appends one datagram.
    pub fn poll_transmit(&mut self, _now: Instant, _buf: &mut Vec<u8>) -> Option<Transmit> {
        None
    }
    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        None
    }
    /// The state.
    pub const fn state(&self) -> State {
        State::New
    }
    /// Where data goes.
    pub const fn best_path(&self) -> Option<Path> {
        None
    }
    /// Whether data from this path may be believed.
    pub fn is_proved(&self, _path: &Path) -> bool {
        false
    }
    /// The round trip.
    pub const fn round_trip_time(&self) -> Option<Duration> {
        None
    }
    /// Hint of a hard send error.
    pub fn on_send_error(&mut self, _now: Instant, _path: &Path) {}
    /// Closes.
    pub fn close(&mut self, _now: Instant) {}
    /// Counters.
    pub fn stats(&self) -> Stats {
        Stats::default()
    }
    /// Per pair.
    pub fn pair_stats(&self) -> impl Iterator<Item = PairStats> {
        std::iter::empty()
    }
}
