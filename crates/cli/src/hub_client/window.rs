//! What `pub` has sent and the hub has not acknowledged: sent again in its order, and never without bound.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::input::Field;

/// Commands under way that a hub reads at once.
const MOST: usize = 64;

/// Bytes that wait for an acknowledgement; one message more may be there.
const BYTES: usize = 4 * 1024 * 1024;

/// The wait after a refusal, when the hub does not say.
const LATER: Duration = Duration::from_millis(100);

/// Messages on their way.
#[derive(Debug)]
pub(super) struct Window {
    channel: String,
    key: Key,
    /// The number of the last message.
    last: u64,
    open: VecDeque<Open>,
    bytes: usize,
    under_way: usize,
    /// How many may be under way: one after the hub asked us to wait, so that none overtakes another.
    limit: usize,
    /// Acknowledged since the limit has changed.
    good: usize,
    until: Option<Instant>,
}

/// What messages are kept once by.
#[derive(Debug)]
pub(super) enum Key {
    /// A single message has this.
    Exact(String),
    /// Each has this and its number.
    Numbered(String),
}

#[derive(Debug)]
struct Open {
    number: u64,
    field: Field,
    is_sent: bool,
}

impl Window {
    pub(super) fn new(channel: String, key: Key) -> Self {
        Self {
            channel,
            key,
            last: 0,
            open: VecDeque::new(),
            bytes: 0,
            under_way: 0,
            limit: MOST,
            good: 0,
            until: None,
        }
    }

    /// Whether another message may be taken in.
    pub(super) fn has_room(&self) -> bool {
        self.open.len() < MOST && self.bytes < BYTES
    }

    /// How many are not acknowledged.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// How many are sent and wait for an answer.
    pub(super) fn under_way(&self) -> usize {
        self.under_way
    }

    /// Until when nothing is to be sent.
    pub(super) fn paused_until(&self) -> Option<Instant> {
        self.until
    }

    pub(super) fn put(&mut self, field: Field) {
        self.last += 1;
        self.bytes += field.len();
        self.open.push_back(Open {
            number: self.last,
            field,
            is_sent: false,
        });
    }

    /// The next command to send, if one may be.
    pub(super) fn next(&mut self, now: Instant) -> Option<String> {
        if self.until.is_some_and(|until| now < until) || self.under_way >= self.limit {
            return None;
        }
        self.until = None;
        let open = self.open.iter_mut().find(|open| !open.is_sent)?;
        open.is_sent = true;
        self.under_way += 1;
        let key = match &self.key {
            Key::Exact(key) => key.clone(),
            Key::Numbered(key) => format!("{key}-{}", open.number),
        };
        let (number, field) = (open.number, &open.field);
        let (channel, key) = (json!(self.channel), json!(key));
        Some(format!(
            "{{\"op\":\"publish\",\"id\":{number},\"channel\":{channel},\"key\":{key},{field}}}"
        ))
    }

    /// Where the message is that an answer with this id is for.
    fn find(&self, id: Option<&str>) -> Option<usize> {
        let number: u64 = id?.parse().ok()?;
        let found = self.open.iter().position(|open| open.number == number)?;
        self.open[found].is_sent.then_some(found)
    }

    /// Whether there is an open message of this id.
    pub(super) fn knows(&self, id: Option<&str>) -> bool {
        self.find(id).is_some()
    }

    /// The message of this id is kept.
    pub(super) fn kept(&mut self, id: Option<&str>) {
        let Some(open) = self.find(id).and_then(|at| self.open.remove(at)) else {
            return;
        };
        self.bytes -= open.field.len();
        self.under_way -= 1;
        self.good += 1;
        if self.good >= MOST {
            self.good = 0;
            self.limit = MOST.min(self.limit * 2);
        }
    }

    /// The message of this id is to be sent again after a while.
    pub(super) fn later(&mut self, id: Option<&str>, now: Instant, wait: Duration) {
        let Some(at) = self.find(id) else {
            return;
        };
        self.open[at].is_sent = false;
        self.under_way -= 1;
        self.limit = 1;
        self.good = 0;
        let until = now + if wait.is_zero() { LATER } else { wait };
        self.until = self.until.max(Some(until));
    }

    /// The connection is lost: what is not acknowledged is sent again.
    pub(super) fn rewind(&mut self) {
        for open in &mut self.open {
            open.is_sent = false;
        }
        self.under_way = 0;
        self.until = None;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn window(messages: usize) -> Window {
        let mut window = Window::new("live:x".into(), Key::Numbered("k".into()));
        for number in 1..=messages {
            window.put(format!("\"text\":\"{number}\""));
        }
        window
    }

    /// The numbers of all that may be sent now.
    fn sent(window: &mut Window, now: Instant) -> Vec<u64> {
        let commands = std::iter::from_fn(|| window.next(now));
        let ids = commands.map(|command| {
            let command: serde_json::Value = serde_json::from_str(&command).unwrap();
            assert_eq!(command["key"], format!("k-{}", command["id"]));
            command["id"].as_u64().unwrap()
        });
        ids.collect()
    }

    #[test]
    fn no_more_than_the_hub_reads_are_under_way() {
        let now = Instant::now();
        let mut window = window(MOST);
        assert!(!window.has_room());
        assert_eq!(sent(&mut window, now).len(), MOST);
        window.kept(Some("1"));
        assert!(window.has_room());
        window.put("\"text\":\"\"".into());
        assert_eq!(sent(&mut window, now), [MOST as u64 + 1]);
        let mut window = self::window(0);
        window.put("x".repeat(BYTES));
        assert!(!window.has_room(), "nor more bytes");
    }

    #[test]
    fn what_is_not_acknowledged_goes_again_in_its_order_under_its_key() {
        let now = Instant::now();
        let mut window = window(5);
        assert_eq!(sent(&mut window, now), [1, 2, 3, 4, 5]);
        window.kept(Some("2"));
        window.rewind();
        assert_eq!(sent(&mut window, now), [1, 3, 4, 5]);
        for id in ["1", "3", "4", "5"] {
            window.kept(Some(id));
        }
        assert_eq!((window.len(), window.under_way(), window.bytes), (0, 0, 0));
    }

    #[test]
    fn who_is_asked_to_wait_goes_one_by_one_until_it_goes_well() {
        let mut now = Instant::now();
        let mut window = window(4);
        assert_eq!(sent(&mut window, now), [1, 2, 3, 4]);
        window.kept(Some("1"));
        for id in ["2", "3", "4"] {
            window.later(Some(id), now, Duration::from_millis(20));
        }
        assert!(sent(&mut window, now).is_empty());
        now += Duration::from_millis(20);
        assert_eq!(sent(&mut window, now), [2]);
        window.kept(Some("2"));
        assert_eq!(sent(&mut window, now), [3]);
        window.kept(Some("3"));
        for number in 4..=MOST as u64 + 1 {
            window.put("\"text\":\"\"".into());
            assert_eq!(sent(&mut window, now).len(), 1);
            window.kept(Some(&number.to_string()));
        }
        assert_eq!(window.limit, 2);
    }

    #[test]
    fn answers_to_nothing_change_nothing() {
        let now = Instant::now();
        let mut window = window(2);
        for id in [
            None,
            Some("1"),
            Some("99"),
            Some("-1"),
            Some("\"1\""),
            Some("18446744073709551616"),
        ] {
            window.kept(id);
            window.later(id, now, Duration::ZERO);
            assert!(!window.knows(id));
        }
        assert_eq!(sent(&mut window, now), [1, 2]);
        window.kept(Some("1"));
        window.kept(Some("1"));
        assert_eq!((window.len(), window.under_way()), (1, 1));
    }
}
