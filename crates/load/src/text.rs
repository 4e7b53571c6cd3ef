//! A [`Report`] as lines for people.

use crate::latency::Latency;
use crate::report::{Report, Saturation};
use crate::units::{bytes, count, time};
use std::fmt;

/// A percentile behind which too few samples stand is marked with this.
const MARK: &str = "?";

/// Percentiles on one line; whether one was marked.
fn percentiles(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    latency: &Latency,
) -> Result<bool, fmt::Error> {
    write!(f, "{name:<11}")?;
    if latency.count == 0 {
        writeln!(f, " none (n=0)")?;
        return Ok(false);
    }
    let mut marked = false;
    for (name, micros, trusted) in latency.percentiles() {
        let mark = if trusted { "" } else { MARK };
        marked |= !trusted;
        write!(f, " {name} {}{mark} ", time(micros))?;
    }
    writeln!(f, " max {}  (n={})", time(latency.max), latency.count)?;
    Ok(marked)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        self.throughput(f)?;
        let name = if self.mode == "push" {
            "gap"
        } else {
            "latency"
        };
        let mut marked = percentiles(f, name, &self.latency_us)?;
        match &self.service_us {
            Some(service) => {
                writeln!(
                    f,
                    "            from the schedule: what was late counts as late"
                )?;
                marked |= percentiles(f, "service", service)?;
                writeln!(
                    f,
                    "            from the sending: what a closed loop would have told"
                )?;
            }
            None if matches!(self.mode, "echo" | "ping" | "pubsub") => {
                writeln!(f, "            closed loop: tail latency is optimistic")?;
            }
            None => {}
        }
        if let Some(lag) = &self.lag_us {
            writeln!(
                f,
                "send lag    p99 {}, max {}",
                time(lag.p99),
                time(lag.max)
            )?;
        }
        if marked {
            writeln!(
                f,
                "            {MARK} fewer than 10 samples above it: chance"
            )?;
        }
        self.verification(f)?;
        self.connections(f)?;
        self.cpu(f)?;
        self.wrong(f)?;
        match self.saturated {
            Some(Saturation::Cpu) => writeln!(
                f,
                "the client was the limit: its CPU was spent; give it --threads or more machines"
            ),
            Some(Saturation::LateSends) => writeln!(
                f,
                "the client was the limit: it sent late; give it --threads or a lower --rate"
            ),
            None => Ok(()),
        }
    }
}

impl Report {
    fn head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            connections,
            size,
            depth,
            seconds,
            threads,
            mode,
            ..
        } = self;
        write!(f, "{mode}, ")?;
        match self.rate {
            Some(rate) => write!(f, "open loop at {}/s, ", count(rate))?,
            None if matches!(*mode, "echo" | "pubsub") => write!(f, "depth {depth}, ")?,
            None => {}
        }
        if !matches!(*mode, "push" | "connect") {
            write!(f, "{size} B, ")?;
        }
        let plural = if *threads == 1 { "" } else { "s" };
        write!(
            f,
            "{connections} connections, {threads} thread{plural}, {seconds:.1} s"
        )?;
        writeln!(f, "{}", if self.interrupted { " (stopped)" } else { "" })
    }

    fn throughput(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = count(self.messages_per_second);
        if self.mode == "connect" {
            return writeln!(f, "throughput  {rate} connections/s");
        }
        writeln!(
            f,
            "throughput  {rate} messages/s, {}/s",
            bytes(self.bytes_per_second)
        )
    }

    fn verification(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(self.mode, "push" | "connect") {
            return Ok(());
        }
        let Self {
            sent,
            verified,
            lost,
            duplicated,
            reordered,
            corrupted,
            ..
        } = self;
        write!(
            f,
            "verified    {verified} of {sent} sent (lost {lost}, duplicated {duplicated}, \
             reordered {reordered}, corrupted {corrupted})"
        )?;
        writeln!(f)?;
        if self.unsent > 0 || self.held > 0 {
            let (unsent, held) = (self.unsent, self.held);
            writeln!(
                f,
                "            {unsent} were due and not sent, {held} waited for room on a connection"
            )?;
        }
        Ok(())
    }

    fn connections(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (connect, close) = (&self.connect_us, &self.close_us);
        if self.mode == "idle" {
            writeln!(
                f,
                "held        {} of {} stayed",
                self.stayed, self.connections
            )?;
        }
        writeln!(
            f,
            "connect     p50 {}, p99 {}, max {}; close p99 {}",
            time(connect.p50),
            time(connect.p99),
            time(connect.max),
            time(close.p99)
        )?;
        if self.compressed > 0 {
            writeln!(f, "deflate     agreed on {} connections", self.compressed)?;
        }
        Ok(())
    }

    fn cpu(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(cpu) = self.server_cpu_seconds {
            write!(
                f,
                "server CPU  {cpu:.2} s, {:.0} % of a core",
                100.0 * cpu / self.seconds
            )?;
            if let Some(per_million) = self.server_cpu_seconds_per_million {
                write!(f, ", {per_million:.3} s per million messages")?;
            }
            if let Some(per_second) = self.messages_per_server_cpu_second {
                write!(f, ", {} messages per CPU second", count(per_second))?;
            }
            writeln!(f)?;
        }
        let busy = 100.0 * self.client_busy;
        let cpu = self.client_cpu_seconds;
        writeln!(f, "client CPU  {cpu:.2} s, busiest thread {busy:.0} %")
    }

    fn wrong(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "errors      {}", self.errors)?;
        for (_, count, text) in self.failures.iter() {
            // It may hold what a server said.
            let text: String = text.chars().flat_map(shown).collect();
            writeln!(f, "            {count} × {text}")?;
        }
        if self.unclean_closes > 0 {
            let count = self.unclean_closes;
            writeln!(f, "            {count} connections not closed in order")?;
        }
        Ok(())
    }
}

/// A character, escaped if it could drive a terminal.
fn shown(c: char) -> impl Iterator<Item = char> {
    let hidden = c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let escaped = hidden.then(|| c.escape_default());
    let plain = (!hidden).then_some(c);
    escaped.into_iter().flatten().chain(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::histogram;

    #[test]
    fn what_a_server_says_cannot_drive_the_terminal() {
        let said: String = "a\x1b[31m\u{202e}b".chars().flat_map(shown).collect();
        assert_eq!(said, "a\\u{1b}[31m\\u{202e}b");
    }

    #[test]
    fn a_percentile_of_few_samples_is_marked() {
        let mut all = histogram();
        all.saturating_record_n(100, 50);
        let report = Report {
            latency_us: Latency::of(all),
            mode: "echo",
            ..Report::default()
        };
        let text = report.to_string();
        assert!(text.contains("p75 100 µs  p90 100 µs? "), "{text}");
        assert!(text.contains("fewer than 10 samples"), "{text}");
    }
}
