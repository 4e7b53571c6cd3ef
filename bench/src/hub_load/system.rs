//! What the system tells of the server: its CPU time and its resident bytes.

use crate::Outcome;
use std::time::Duration;

/// Clock ticks a second in `/proc`: the same on every Linux that runs here.
const TICKS: u64 = 100;

/// CPU time of a process since it started, user and system together.
pub(crate) fn cpu(pid: u32) -> Outcome<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold blanks; utime and stime are the 12th and 13th field behind it.
    let fields = stat.rsplit_once(") ").ok_or("no stat")?.1;
    let mut times = fields.split(' ').skip(11).take(2);
    let mut next = || -> Outcome<u64> { Ok(times.next().ok_or("a short stat")?.parse()?) };
    Ok(Duration::from_millis((next()? + next()?) * 1000 / TICKS))
}

/// Resident bytes of a process.
pub(crate) fn resident(pid: u32) -> Outcome<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    let kib: u64 = kib.ok_or("no VmRSS")?.parse()?;
    Ok(kib * 1024)
}
