//! How a message looks on a terminal: its direction, its text or bytes, its time.

use std::time::{Duration, Instant, SystemTime};

use regex::Regex;
use tidewire::Message;

use crate::args::{Pretty, Time};
use crate::term::{self, Style};

/// The longest message shown, in characters.
const SHOWN: usize = 64 * 1024;

/// Bytes of a binary message that are shown.
const DUMPED: usize = 256;

/// JSON that is longer is shown as it came.
const LONGEST_JSON: usize = 1 << 20;

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    In,
    Out,
}

/// What the user chose to see.
#[derive(Debug)]
pub(super) struct View {
    pub(super) colour: bool,
    pub(super) time: Time,
    pub(super) pretty: Pretty,
    pub(super) filter: Option<Regex>,
}

impl View {
    /// Whether the filter lets it pass.
    pub(super) fn passes(&self, message: &Message) -> bool {
        let Some(filter) = &self.filter else {
            return true;
        };
        match message.as_text() {
            Some(text) => filter.is_match(text),
            None => filter.is_match(&term::hex(message.as_bytes(), DUMPED)),
        }
    }

    /// A message over as many lines as it needs, fit for a terminal of so many columns.
    pub(super) fn message(
        &self,
        way: Way,
        message: &Message,
        time: &str,
        columns: usize,
    ) -> String {
        let arrow = match way {
            Way::In => term::paint(self.colour, Style::Good, "<"),
            Way::Out => term::paint(self.colour, Style::Dim, ">"),
        };
        let shown = match message.as_text() {
            Some(text) => self.text(text, columns),
            None => term::dump(message.as_bytes(), DUMPED),
        };
        let time = self.beside(&shown, time, columns);
        format!("{arrow} {shown}{time}")
    }

    fn text(&self, text: &str, columns: usize) -> String {
        let several_lines = match self.pretty {
            _ if text.len() > LONGEST_JSON => false,
            Pretty::On => true,
            Pretty::Off => false,
            Pretty::Auto => {
                let is_wide = text.len() + 2 > columns && term::width(text) + 2 > columns;
                is_wide && !text.contains('\n')
            }
        };
        match several_lines
            .then(|| term::json::pretty(text, SHOWN))
            .flatten()
        {
            // Cut in the middle: what is told is the size of the message, not of the cut.
            Some(pretty) if pretty.len() > SHOWN => {
                let end = pretty.floor_char_boundary(SHOWN);
                let shown = term::block(&pretty[..end], SHOWN);
                format!("{shown}… ({} bytes in all)", text.len())
            }
            Some(pretty) => term::block(&pretty, SHOWN),
            None => term::block(text, SHOWN),
        }
    }

    /// The time at the right edge of the last line, or after it if there is no room.
    fn beside(&self, shown: &str, time: &str, columns: usize) -> String {
        if time.is_empty() {
            return String::new();
        }
        let (indent, last) = shown
            .rsplit_once('\n')
            .map_or((2, shown), |(_, last)| (0, last));
        let used = (indent + term::width(last)) % columns.max(1);
        let needed = term::width(time) + 1;
        let gap = columns.saturating_sub(used + needed).max(2);
        format!("{:gap$}{}", "", term::paint(self.colour, Style::Dim, time))
    }

    /// A line of our own.
    pub(super) fn note(&self, text: &str) -> String {
        format!("{} {text}", term::paint(self.colour, Style::Dim, "*"))
    }

    /// What went wrong.
    pub(super) fn error(&self, sentence: &str) -> String {
        format!(
            "{} {sentence}",
            term::paint(self.colour, Style::Bad, "error:")
        )
    }
}

/// The moments that times are counted from.
#[derive(Debug)]
pub(super) struct Moments {
    pub(super) opened: Instant,
    /// Of the last message, whichever way.
    last: Instant,
}

impl Moments {
    pub(super) fn new() -> Moments {
        let now = Instant::now();
        Moments {
            opened: now,
            last: now,
        }
    }

    /// The time of a message that comes or goes now.
    pub(super) fn stamp(&mut self, time: Time) -> String {
        let now = Instant::now();
        let since = now - std::mem::replace(&mut self.last, now);
        match time {
            Time::Off => String::new(),
            Time::Abs => time_of_day(SystemTime::now()),
            Time::Rel => span(now - self.opened),
            Time::Delta => format!("+{}", span(since)),
        }
    }
}

/// The time of day in UTC: `12:01:07.113Z`.
pub(super) fn time_of_day(at: SystemTime) -> String {
    let since = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let day = since.as_secs() % 86_400;
    format!(
        "{:02}:{:02}:{:02}.{:03}Z",
        day / 3600,
        day / 60 % 60,
        day % 60,
        since.subsec_millis()
    )
}

/// A span of time as a person says it.
pub(super) fn span(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    match time.as_secs() {
        0 if millis < 99.95 => format!("{millis:.1} ms"),
        0 => format!("{millis:.0} ms"),
        1..60 => format!("{:.2} s", time.as_secs_f64()),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// A number of bytes as a person says it.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn view(pretty: Pretty) -> View {
        View {
            colour: false,
            time: Time::Off,
            pretty,
            filter: None,
        }
    }

    fn shown(pretty: Pretty, text: &str, time: &str, columns: usize) -> String {
        view(pretty).message(Way::In, &Message::from(text), time, columns)
    }

    #[test]
    fn json_is_spread_when_asked_for_or_when_too_wide() {
        let text = r#"{"b":1.0,"a":[]}"#;
        let spread = "< {\n    \"b\": 1.0,\n    \"a\": []\n  }";
        for (pretty, columns, expected) in [
            (Pretty::On, 80, spread),
            (Pretty::Off, 10, "< {\"b\":1.0,\"a\":[]}"),
            (Pretty::Auto, 18, "< {\"b\":1.0,\"a\":[]}"),
            (Pretty::Auto, 17, spread),
        ] {
            assert_eq!(
                shown(pretty, text, "", columns),
                expected,
                "{pretty:?} {columns}"
            );
        }
        assert_eq!(shown(Pretty::On, "{\"a\"", "", 80), "< {\"a\"");
    }

    #[test]
    fn the_time_stands_at_the_right_edge() {
        assert_eq!(shown(Pretty::Off, "ab", "+1 ms", 20), "< ab          +1 ms");
        assert_eq!(
            shown(Pretty::Off, "漢字", "+1 ms", 20),
            "< 漢字        +1 ms"
        );
        assert_eq!(
            shown(Pretty::Off, "ab\ncd", "+1 ms", 20),
            "< ab\n  cd          +1 ms"
        );
        assert_eq!(
            shown(Pretty::Off, "0123456789abcd", "+1 ms", 20),
            "< 0123456789abcd  +1 ms"
        );
        assert_eq!(shown(Pretty::Off, "ab", "+1 ms", 0), "< ab  +1 ms");
    }

    #[test]
    fn what_a_peer_sends_drives_nothing_in_any_shape() {
        let hostile = "{\"\u{1b}]0;x\u{7}\":\"\u{9b}2J\u{202e}\"}";
        for pretty in [Pretty::On, Pretty::Off, Pretty::Auto] {
            for columns in [0, 3, 200] {
                let shown = shown(pretty, hostile, "", columns);
                assert!(
                    !shown.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{7}']),
                    "{shown:?}"
                );
                assert!(shown.contains("\\x1b]0;x\\x07"), "{shown:?}");
            }
        }
    }

    #[test]
    fn what_is_huge_is_cut_with_its_size() {
        let text = "x".repeat(10_000_000);
        let cut = shown(Pretty::Auto, &text, "", 80);
        assert!(cut.len() < SHOWN + 100 && cut.ends_with("… (10000000 bytes in all)"));
        let json = format!("[{}0]", "0,".repeat(200_000));
        let cut = shown(Pretty::Auto, &json, "", 80);
        assert!(cut.len() < SHOWN * 2, "{}", cut.len());
        assert!(cut.ends_with(&format!("… ({} bytes in all)", json.len())));
    }

    #[test]
    fn the_filter_sees_text_and_hex() {
        let mut view = view(Pretty::Off);
        view.filter = Some(Regex::new("ab|00 ff").unwrap());
        assert!(view.passes(&Message::from("xaby")));
        assert!(!view.passes(&Message::from("x")));
        assert!(view.passes(&Message::from(vec![1u8, 0, 255])));
    }

    #[test]
    fn spans_and_times_are_said_as_people_do() {
        for (millis, said) in [
            (0.9, "0.9 ms"),
            (99.96, "100 ms"),
            (812.0, "812 ms"),
            (1500.0, "1.50 s"),
            (61_000.0, "1 min 1 s"),
            (3_720_000.0, "1 h 2 min"),
        ] {
            assert_eq!(span(Duration::from_secs_f64(millis / 1e3)), said);
        }
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(86_400_000 * 3 + 43_267_113);
        assert_eq!(time_of_day(at), "12:01:07.113Z");
        assert_eq!(size(9_999), "9999 B");
        assert_eq!(size(12_345_678), "12.3 MB");
    }
}
