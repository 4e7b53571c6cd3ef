//! The limit of open files: raised as far as allowed, and too low told before the first connection.

use crate::error::LoadError;

/// What a process has open besides its connections: standard streams, poller, timers, libraries.
const OTHERS: u64 = 64;

/// Makes room for so many connections.
#[cfg(unix)]
pub(crate) fn allow(connections: usize) -> Result<(), LoadError> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let needed = connections as u64 + OTHERS;
    // Where the limit cannot be read, opening tells soon enough.
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return Ok(());
    };
    if needed <= soft
        || setrlimit(Resource::RLIMIT_NOFILE, needed.min(hard), hard).is_ok() && needed <= hard
    {
        return Ok(());
    }
    Err(LoadError::TooFewFiles {
        needed,
        limit: hard.max(soft),
    })
}

/// Elsewhere there is no such limit to speak of.
#[cfg(not(unix))]
pub(crate) fn allow(_connections: usize) -> Result<(), LoadError> {
    Ok(())
}
