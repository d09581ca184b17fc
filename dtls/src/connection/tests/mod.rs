mod api;
mod attacks;
mod authentication;
mod bounds;
mod handshake;
mod identity;
mod ids;
mod imported;
mod laws;
mod loss;
mod matrix;
mod path_check;
mod refusals;
mod rest;
mod resumption;
mod resumption_12;
mod rogue;
mod states;
mod states_13;
mod tls13;
mod tls13_attacks;

use super::{Connection, Phase};
use crate::Fingerprint;

impl Connection {
    /// Where the protocol stands, for comparison between runs.
    pub(crate) fn outcome(&self) -> String {
        match &self.phase {
            Phase::New { .. } => "new".to_owned(),
            Phase::Handshaking(_) => "handshaking".to_owned(),
            Phase::Established(established) => {
                format!(
                    "established {} {:?}",
                    established.verified,
                    established.event()
                )
            }
            Phase::Closed(reason) => format!("{reason:?}"),
        }
    }

    /// Updates the keys after so many records.
    pub(crate) fn update_after(&mut self, records: u64) {
        if let Phase::Established(established) = &mut self.phase
            && let Some(post) = &mut established.post
        {
            post.update_after(records);
        }
    }

    pub(crate) fn own_fingerprint(&self) -> Fingerprint {
        self.config.certificate.as_ref().unwrap().fingerprint()
    }
}
