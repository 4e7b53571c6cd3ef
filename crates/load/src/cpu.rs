//! CPU time of the server and of this process, user and system together.

use crate::error::LoadError;
use std::time::Duration;

/// The CPU clock of another process: exact, and with the threads of it that have ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(#[cfg(target_os = "linux")] nix::time::ClockId);

impl Clock {
    /// The clock of process `pid`; `None` where the system has none.
    #[cfg(target_os = "linux")]
    pub(crate) fn of(pid: u32) -> Result<Option<Self>, LoadError> {
        let missing = || LoadError::NoSuchProcess(pid);
        // 0 would be this process, and so would some ids too large for the bits of a clock's id.
        const LARGEST: i32 = 1 << 22;
        let id = i32::try_from(pid)
            .ok()
            .filter(|id| (1..=LARGEST).contains(id));
        let id = id.ok_or_else(missing)?;
        let clock = nix::time::clock_getcpuclockid(nix::unistd::Pid::from_raw(id));
        Ok(Some(Self(clock.map_err(|_| missing())?)))
    }

    /// The clock of process `pid`; `None` where the system has none.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn of(_pid: u32) -> Result<Option<Self>, LoadError> {
        Ok(None)
    }

    /// What it has used since it started; `None` if it is gone.
    pub(crate) fn now(self) -> Option<Duration> {
        #[cfg(target_os = "linux")]
        return nix::time::clock_gettime(self.0).ok().map(Duration::from);
        #[cfg(not(target_os = "linux"))]
        None
    }
}

/// What this process has used since it started; zero where the system does not tell.
pub(crate) fn own() -> Duration {
    #[cfg(target_os = "linux")]
    let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID);
    #[cfg(target_os = "linux")]
    return time.map(Duration::from).unwrap_or_default();
    #[cfg(not(target_os = "linux"))]
    Duration::ZERO
}

/// What this thread has used; zero where the system does not tell.
pub(crate) fn thread() -> Duration {
    #[cfg(target_os = "linux")]
    let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID);
    #[cfg(target_os = "linux")]
    return time.map(Duration::from).unwrap_or_default();
    #[cfg(not(target_os = "linux"))]
    Duration::ZERO
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_busy_process_uses_cpu_and_its_clock_agrees_with_its_own() {
        let clock = Clock::of(std::process::id()).unwrap().unwrap();
        let before = clock.now().unwrap();
        while own() < before + Duration::from_millis(20) {}
        assert!(clock.now().unwrap() >= before + Duration::from_millis(20));
    }

    #[test]
    fn tells_a_process_that_does_not_exist() {
        for pid in [0, u32::MAX, i32::MAX as u32] {
            assert!(matches!(Clock::of(pid), Err(LoadError::NoSuchProcess(p)) if p == pid));
        }
    }

    #[test]
    fn a_process_that_ended_has_no_time() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let clock = Clock::of(child.id()).unwrap().unwrap();
        child.wait().unwrap();
        assert!(clock.now().is_none());
    }
}
