//! What is drawn by lot when a node starts.

use crate::clock::Clock;
use crate::error::StartError;
use std::io;
use tidewire_hub_proto::Term;

fn random<const N: usize>() -> Result<[u8; N], StartError> {
    let mut bytes = [0; N];
    let filled = getrandom::fill(&mut bytes);
    filled.map_err(|error| StartError::NoEntropy(io::Error::other(error)))?;
    Ok(bytes)
}

/// A key for the ids of guests that is forgotten with the process.
///
/// # Errors
///
/// The system has no randomness.
pub(crate) fn new_key() -> Result<[u8; 32], StartError> {
    random()
}

/// The first token of the tester's agent.
///
/// # Errors
///
/// The system has no randomness.
pub(crate) fn new_token() -> Result<[u8; 16], StartError> {
    random()
}

/// A term that no earlier start had: the time, and randomness against a clock that was set back.
///
/// # Errors
///
/// The system has no randomness.
pub(crate) fn new_term(clock: Clock) -> Result<Term, StartError> {
    let chance = u64::from(u16::from_le_bytes(random()?));
    Ok(Term(clock.now().0 << 16 | chance))
}
