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
    let raise = || setrlimit(Resource::RLIMIT_NOFILE, needed, hard).is_ok();
    if needed <= soft || (needed <= hard && raise()) {
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn tells_what_is_needed_before_anything_is_opened() {
        assert!(allow(1).is_ok());
        let outcome = allow(1 << 60);
        assert!(
            matches!(outcome, Err(LoadError::TooFewFiles { needed, .. }) if needed > 1 << 60),
            "{outcome:?}"
        );
    }
}
