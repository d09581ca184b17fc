//! Where a handshake stands, and what a step of it may come to.

use super::{Agreed, Failure};
use crate::{tls12, tls13};

/// Where a handshake stands.
pub(super) enum Stage {
    /// A server that has not seen an acceptable hello. The version is chosen here.
    AwaitClientHello,
    /// A client that has not seen an acceptable answer. The version is learned here.
    AwaitServerHello,
    Server12(tls12::server::State),
    Client12(tls12::client::State),
    Server13(tls13::server::State),
    Client13(tls13::client::State),
}

/// What went wrong without anybody vouching for it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Suspicion {
    /// Our own judgement of a hello.
    Refused(Failure),
    /// An alert in the clear.
    Alert(crate::AlertDescription),
}

/// What states may come to after a message.
pub(crate) enum Progress<S, A = tls12::Agreed> {
    Continue(S),
    Completed(Box<A>),
}

/// A message was refused, and whether the state survives that.
pub(crate) struct Refused<S> {
    pub(crate) failure: Failure,
    pub(crate) survivor: Option<S>,
}

impl<S> From<Failure> for Refused<S> {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            survivor: None,
        }
    }
}

/// What [`Handshake::advance`] came to.
pub(crate) enum Outcome {
    Waiting,
    Completed(Box<Agreed>),
    Failed(Failure),
}

/// The result of a room as the result of the house.
pub(super) fn wrap<S, A>(
    result: Result<Progress<S, A>, Refused<S>>,
    stage: impl FnOnce(S) -> Stage,
    agreed: impl FnOnce(A) -> Agreed,
) -> Result<Progress<Stage, Agreed>, Refused<Stage>> {
    match result {
        Ok(Progress::Continue(state)) => Ok(Progress::Continue(stage(state))),
        Ok(Progress::Completed(left)) => Ok(Progress::Completed(Box::new(agreed(*left)))),
        Err(Refused { failure, survivor }) => Err(Refused {
            failure,
            survivor: survivor.map(stage),
        }),
    }
}
