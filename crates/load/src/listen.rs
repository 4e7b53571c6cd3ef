//! [`Listener`]: a connection on which the server speaks: on its own, or what was published on a channel
//! of the hub.

use crate::clock::BatchClock;
use crate::error::{ErrorClass, Failure};
use crate::publication::Publication;
use crate::sequence::{Place, Sequence};
use crate::tally::Desk;
use crate::window::Answer;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use tidewire::{Event, Received, WebSocket};

/// What publisher and subscribers tell each other, across threads.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    pub(crate) published: AtomicU64,
    pub(crate) delivered: AtomicU64,
    /// Nothing more will be published.
    pub(crate) over: AtomicBool,
}

#[derive(Debug)]
pub(crate) enum Listener {
    /// Anything is welcome; when the last came.
    Push { last: Option<u64> },
    /// Publications, numbered from 0 on.
    Subscriber {
        channel: Arc<Channel>,
        seen: Sequence,
    },
}

impl Listener {
    pub(crate) fn poll(
        &mut self,
        ws: &mut WebSocket,
        cx: &mut Context<'_>,
        desk: &mut Desk,
    ) -> Poll<Failure> {
        let mut clock = BatchClock::new(0);
        loop {
            let received = ws.poll_receive(cx, |event, _| {
                let payload = match &event {
                    Event::Binary(data) => &data[..],
                    Event::Text(text) => text.as_bytes(),
                    _ => return ControlFlow::Continue(()),
                };
                let now = clock.now(&desk.tally);
                self.take(payload, now, desk);
                ControlFlow::Continue(())
            });
            return match received {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(Received::Closed(story))) => {
                    Poll::Ready(Failure::new(ErrorClass::Closed, story.to_string()))
                }
                Poll::Ready(Ok(_)) => continue,
                Poll::Ready(Err(error)) => Poll::Ready(Failure::open(&error)),
            };
        }
    }

    fn take(&mut self, payload: &[u8], now: u64, desk: &mut Desk) {
        match self {
            Self::Push { last } => {
                desk.tally.arrived(last.replace(now), now, payload.len());
            }
            Self::Subscriber { channel, seen } => {
                let Some(publication) = Publication::read(payload, &desk.stamp) else {
                    return;
                };
                channel.delivered.fetch_add(1, Ordering::Relaxed);
                let published = channel.published.load(Ordering::Relaxed);
                let answer = judge(publication, published, seen);
                desk.tally.judged(answer, now, desk.stamp.len());
            }
        }
    }

    /// How many publications are to come yet.
    pub(crate) fn waiting(&self) -> u64 {
        match self {
            Self::Push { .. } => 0,
            Self::Subscriber { channel, seen } => {
                seen.waits(channel.published.load(Ordering::Relaxed))
            }
        }
    }

    /// Counts what has not come; `whole`: the connection is still open.
    pub(crate) fn settle(&mut self, whole: bool, desk: &mut Desk) {
        if let Self::Subscriber { channel, seen } = self {
            let published = channel.published.load(Ordering::Relaxed);
            desk.tally.counts.lost += if whole {
                seen.lost(published)
            } else {
                seen.passed_over()
            };
        }
    }
}

fn judge(publication: Publication, published: u64, seen: &mut Sequence) -> Answer {
    let (number, sent) = match publication {
        Publication::Whole { number, sent } if u64::from(number) < published => (number, sent),
        // Nobody has published this.
        _ => return Answer::Corrupted(false),
    };
    match seen.see(number) {
        Place::Right => Answer::Right(sent, 0),
        Place::Reordered => Answer::Reordered(sent),
        Place::Duplicate => Answer::Duplicate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Sent;

    #[test]
    fn what_was_never_published_is_corrupted_however_far_it_leaps() {
        let mut seen = Sequence::default();
        let sent = Sent { due: 0, at: 0 };
        for (number, expected) in [
            (u32::MAX, Answer::Corrupted(false)),
            (2, Answer::Corrupted(false)),
            (1, Answer::Right(sent, 0)),
        ] {
            let publication = Publication::Whole { number, sent };
            assert_eq!(judge(publication, 2, &mut seen), expected, "{number}");
        }
        assert_eq!(seen.lost(2), 1);
    }
}
