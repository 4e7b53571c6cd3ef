//! Ctrl-C and SIGTERM.

/// What asks the process to end.
#[derive(Debug)]
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// Watches them from now on: they end the process no more.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(crate) fn watch() -> Result<Self, String> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let open =
                |kind| signal(kind).map_err(|error| format!("cannot watch signals: {error}"));
            Ok(Self {
                interrupt: open(SignalKind::interrupt())?,
                terminate: open(SignalKind::terminate())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Watches only what ends a program from outside: SIGTERM, and the terminal that goes away.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(crate) fn watch_ends() -> Result<Self, String> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let open =
                |kind| signal(kind).map_err(|error| format!("cannot watch signals: {error}"));
            Ok(Self {
                interrupt: open(SignalKind::hangup())?,
                terminate: open(SignalKind::terminate())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Resolves with the next one. Dropped before, none is lost.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
