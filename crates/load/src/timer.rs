//! [`Timer`]: waits for an instant, finer than the millisecond that the runtime's own timers have.

use std::time::{Duration, Instant};

/// Waits; on Linux by a timer of the kernel.
#[derive(Debug)]
pub(crate) struct Timer {
    #[cfg(target_os = "linux")]
    fine: Option<linux::Fine>,
}

impl Timer {
    /// A timer of the current runtime.
    pub(crate) fn new() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            fine: linux::Fine::new().ok(),
        }
    }

    /// Until `instant`; lets other tasks run even if that has passed.
    pub(crate) async fn until(&self, instant: Instant) {
        let left = instant.saturating_duration_since(Instant::now());
        if left.is_zero() {
            tokio::task::yield_now().await;
            return;
        }
        #[cfg(target_os = "linux")]
        if let Some(fine) = &self.fine
            && fine.wait(left).await.is_ok()
        {
            return;
        }
        tokio::time::sleep(left.max(Duration::from_micros(1))).await;
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use nix::sys::time::TimeSpec;
    use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
    use std::fs::File;
    use std::io::{self, ErrorKind};
    use std::os::fd::AsFd;
    use std::time::Duration;
    use tokio::net::unix::pipe::Receiver;

    /// A timer of the kernel, and a second descriptor of it that the runtime waits for: to be read,
    /// it is like a pipe.
    #[derive(Debug)]
    pub(super) struct Fine {
        timer: TimerFd,
        ticks: Receiver,
    }

    impl Fine {
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
            let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
            let second = File::from(timer.as_fd().try_clone_to_owned()?);
            let ticks = Receiver::from_file_unchecked(second)?;
            Ok(Self { timer, ticks })
        }

        /// Waits so long.
        pub(super) async fn wait(&self, time: Duration) -> io::Result<()> {
            let once = Expiration::OneShot(TimeSpec::from_duration(time));
            self.timer.set(once, TimerSetTimeFlags::empty())?;
            loop {
                self.ticks.readable().await?;
                match self.ticks.try_read(&mut [0; 8]) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    outcome => return outcome.map(drop),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn never_comes_early_and_takes_the_past_as_now() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let timer = Timer::new();
            for micros in [0, 1, 300, 5000, 20_000] {
                let instant = Instant::now() + Duration::from_micros(micros);
                timer.until(instant).await;
                assert!(Instant::now() >= instant, "{micros}");
            }
            timer.until(Instant::now() - Duration::from_secs(1)).await;
            // One that was given up does not make the next one early.
            let soon = timer.until(Instant::now() + Duration::from_millis(1));
            _ = tokio::time::timeout(Duration::ZERO, soon).await;
            std::thread::sleep(Duration::from_millis(3));
            let instant = Instant::now() + Duration::from_millis(20);
            timer.until(instant).await;
            assert!(Instant::now() >= instant);
        });
    }
}
