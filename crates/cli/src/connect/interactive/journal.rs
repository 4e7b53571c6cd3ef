//! The last messages of a conversation, kept for `/last`, `/resend` and `/save`, and the counts for
//! `/stats`.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use tidewire::Message;

use super::view::{Way, size, span};
use crate::record::{Dir, Record};

/// Messages that are kept, and their bytes in all; the latest always.
const MESSAGES: usize = 1000;
const BYTES: usize = 16 << 20;

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) at: SystemTime,
    pub(super) way: Way,
    pub(super) message: Message,
}

/// What came and went.
#[derive(Debug, Default)]
pub(super) struct Journal {
    kept: VecDeque<Kept>,
    bytes: usize,
    received: (u64, u64),
    sent: (u64, u64),
    trips: Trips,
}

/// Round trips of pings.
#[derive(Debug, Default)]
struct Trips {
    count: u32,
    least: Duration,
    most: Duration,
    sum: Duration,
}

impl Journal {
    pub(super) fn add(&mut self, way: Way, message: &Message) {
        let (count, bytes) = match way {
            Way::In => &mut self.received,
            Way::Out => &mut self.sent,
        };
        *count += 1;
        *bytes += message.len() as u64;
        self.bytes += message.len();
        self.kept.push_back(Kept {
            at: SystemTime::now(),
            way,
            message: message.clone(),
        });
        while self.kept.len() > MESSAGES || (self.bytes > BYTES && self.kept.len() > 1) {
            let Some(oldest) = self.kept.pop_front() else {
                return;
            };
            self.bytes -= oldest.message.len();
        }
    }

    pub(super) fn trip(&mut self, time: Duration) {
        let trips = &mut self.trips;
        trips.least = match trips.count {
            0 => time,
            _ => trips.least.min(time),
        };
        trips.most = trips.most.max(time);
        trips.sum += time;
        trips.count += 1;
    }

    /// The last so many, in their order.
    pub(super) fn last(&self, count: usize) -> impl Iterator<Item = &Kept> {
        self.kept.range(self.kept.len().saturating_sub(count)..)
    }

    /// The message sent so many messages ago; 1 is the last.
    pub(super) fn sent(&self, ago: usize) -> Option<&Message> {
        let mut sent = self.kept.iter().rev().filter(|kept| kept.way == Way::Out);
        Some(&sent.nth(ago.checked_sub(1)?)?.message)
    }

    /// All that is kept, as a recording has it.
    pub(super) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.kept.iter().map(|kept| {
            let since = kept.at.duration_since(SystemTime::UNIX_EPOCH);
            Record {
                at: i64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(i64::MAX),
                conn: None,
                dir: match kept.way {
                    Way::In => Dir::In,
                    Way::Out => Dir::Out,
                },
                what: (&kept.message).into(),
            }
        })
    }

    /// What `/stats` says.
    pub(super) fn stats(&self) -> Vec<String> {
        let messages = |(count, bytes): (u64, u64)| format!("{count} messages, {}", size(bytes));
        let mut lines = vec![
            format!("received {}", messages(self.received)),
            format!("sent {}", messages(self.sent)),
        ];
        let trips = &self.trips;
        lines.push(match trips.count {
            0 => "no round trip measured; /ping measures one".to_owned(),
            count => format!(
                "round trip of {count} pings: least {}, mean {}, most {}",
                span(trips.least),
                span(trips.sum / count),
                span(trips.most)
            ),
        });
        lines
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::record::What;

    #[test]
    fn the_last_messages_are_kept_within_bounds() {
        let mut journal = Journal::default();
        for n in 0..2000 {
            journal.add(Way::In, &Message::from(format!("{n}")));
        }
        assert_eq!(journal.kept.len(), MESSAGES);
        let last: Vec<_> = journal
            .last(2)
            .map(|kept| kept.message.as_text().unwrap())
            .collect();
        assert_eq!(last, ["1998", "1999"]);
        assert_eq!(journal.last(usize::MAX).count(), MESSAGES);
        for _ in 0..5 {
            journal.add(Way::In, &Message::from(vec![0u8; BYTES / 2]));
        }
        assert!(journal.bytes <= BYTES && journal.kept.len() == 2);
        journal.add(Way::In, &Message::from(vec![0u8; BYTES * 2]));
        assert_eq!(
            journal.kept.len(),
            1,
            "one that is larger than all is kept alone"
        );
        assert_eq!(journal.stats()[0], "received 2006 messages, 75.5 MB");
    }

    #[test]
    fn what_was_sent_is_counted_back() {
        let mut journal = Journal::default();
        for (way, text) in [
            (Way::Out, "a"),
            (Way::In, "x"),
            (Way::Out, "b"),
            (Way::In, "y"),
        ] {
            journal.add(way, &Message::from(text));
        }
        let sent = |ago| journal.sent(ago).and_then(Message::as_text);
        assert_eq!(
            [sent(1), sent(2), sent(3), sent(0)],
            [Some("b"), Some("a"), None, None]
        );
    }

    #[test]
    fn records_are_those_of_a_recording() {
        let mut journal = Journal::default();
        journal.add(Way::Out, &Message::from("a"));
        journal.add(Way::In, &Message::from(vec![0u8, 255]));
        let records: Vec<_> = journal.records().collect();
        assert_eq!(records[0].what, What::Text("a".into()));
        assert_eq!(records[0].dir, Dir::Out);
        assert_eq!(records[1].what, What::Binary(vec![0, 255].into()));
        assert!(records[0].at > 1_000_000_000_000_000 && records[0].at <= records[1].at);
    }

    #[test]
    fn round_trips_are_summed_up() {
        let mut journal = Journal::default();
        assert!(journal.stats()[2].starts_with("no round trip"));
        for millis in [3, 1, 2] {
            journal.trip(Duration::from_millis(millis));
        }
        assert_eq!(
            journal.stats()[2],
            "round trip of 3 pings: least 1.0 ms, mean 2.0 ms, most 3.0 ms"
        );
    }
}
