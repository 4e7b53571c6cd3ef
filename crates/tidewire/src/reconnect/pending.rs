//! Events that happened while the caller was sending, until it receives: bounded, for some callers
//! only ever send.

use super::event::ReconnectEvent;
use crate::message::Message;
use std::collections::VecDeque;

/// How many openings and losses are kept; the oldest go first.
const MOST_NOTICES: usize = 64;

/// How many bytes of messages are kept, with `OVERHEAD` for each.
pub(super) const MOST_BYTES: usize = 1024 * 1024;
const OVERHEAD: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Pending {
    events: VecDeque<ReconnectEvent>,
    notices: usize,
    bytes: usize,
}

impl Pending {
    /// Keeps an opening or a loss.
    pub(super) fn notice(&mut self, event: ReconnectEvent) {
        if self.notices == MOST_NOTICES {
            let oldest = |event: &ReconnectEvent| !matches!(event, ReconnectEvent::Message(_));
            if let Some(at) = self.events.iter().position(oldest) {
                self.events.remove(at);
                self.notices -= 1;
            }
        }
        self.notices += 1;
        self.events.push_back(event);
    }

    /// Keeps a message; `false` if there is no room for it.
    pub(super) fn message(&mut self, message: Message) -> bool {
        let bytes = cost(&message);
        if self.bytes + bytes > MOST_BYTES {
            return false;
        }
        self.bytes += bytes;
        self.events.push_back(ReconnectEvent::Message(message));
        true
    }

    pub(super) fn pop(&mut self) -> Option<ReconnectEvent> {
        let event = self.events.pop_front()?;
        match &event {
            ReconnectEvent::Message(message) => self.bytes -= cost(message),
            _ => self.notices -= 1,
        }
        Some(event)
    }
}

fn cost(message: &Message) -> usize {
    message.as_bytes().len().saturating_add(OVERHEAD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconnect::Attempt;

    fn opened(opened: u64) -> ReconnectEvent {
        ReconnectEvent::Opened(Attempt { number: 1, opened })
    }

    #[test]
    fn keeps_the_newest_notices_and_every_message_in_order() {
        let mut pending = Pending::default();
        for n in 0..1000 {
            pending.notice(opened(n));
            assert!(pending.message(Message::text(n.to_string())));
        }
        let (mut notices, mut texts) = (Vec::new(), Vec::new());
        while let Some(event) = pending.pop() {
            match event {
                ReconnectEvent::Opened(attempt) => notices.push(attempt.opened),
                ReconnectEvent::Message(message) => {
                    texts.extend(message.as_text().and_then(|text| text.parse::<u64>().ok()));
                }
                ReconnectEvent::Lost { .. } => {}
            }
        }
        assert_eq!(notices, (936..1000).collect::<Vec<_>>());
        assert_eq!(texts, (0..1000).collect::<Vec<_>>());
        assert_eq!((pending.notices, pending.bytes), (0, 0));
    }

    #[test]
    fn takes_messages_up_to_its_bytes_and_again_after_some_left() {
        let mut pending = Pending::default();
        let half = || Message::binary(vec![0; MOST_BYTES / 2 - OVERHEAD]);
        assert!(pending.message(half()));
        assert!(pending.message(half()));
        assert!(!pending.message(Message::text("")));
        assert!(pending.pop().is_some());
        assert!(pending.message(Message::text("")));
    }
}
