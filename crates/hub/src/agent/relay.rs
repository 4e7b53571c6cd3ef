//! Passes on what the page and the far server say, at the pace of the slower one.

use super::tape::{Tape, Told};
use super::trouble;
use super::wire::{By, Command, Event, command};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};
use tidewire::{
    CloseCode, CloseStory, ClosedBy, Error, Event as Heard, Message, Received, Receiver, Sender,
};
use tokio::time::sleep;

/// How often it is looked whether the page is still there, while nothing is read from it.
const LOOK: Duration = Duration::from_secs(1);

/// Pings that wait for their answer, the oldest first.
#[derive(Default)]
pub(super) struct Pings(Mutex<(u64, VecDeque<(u64, Instant)>)>);

/// More are not measured: the far connection holds no more either.
const PINGS: usize = 64;

impl Pings {
    /// The payload of a Ping that is sent now.
    fn payload(&self) -> [u8; 8] {
        let mut pings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pings.0 += 1;
        let number = pings.0;
        if pings.1.len() >= PINGS {
            pings.1.pop_front();
        }
        pings.1.push_back((number, Instant::now()));
        number.to_be_bytes()
    }

    /// How long ago the Ping was sent that this answers. Those before it are answered with it (RFC 6455
    /// §5.5.3).
    fn answered(&self, payload: &[u8]) -> Option<Duration> {
        let number = u64::from_be_bytes(payload.try_into().ok()?);
        let mut pings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = pings.1.iter().position(|ping| ping.0 == number)?;
        let (_, sent) = pings.1.drain(..=at).next_back()?;
        Some(sent.elapsed())
    }
}

/// Why the page's commands ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It is gone.
    Gone,
    /// It said what is no command.
    Wrong(String),
}

/// Does what the page says until it leaves.
pub(super) async fn commands(
    page: &mut Receiver,
    far: &Sender,
    tape: &Tape,
    pings: &Pings,
) -> Left {
    loop {
        // Each command makes frames that are told.
        tape.room().await;
        let Ok(Some(message)) = page.recv().await else {
            return Left::Gone;
        };
        let done = match message {
            Message::Binary(payload) => far.send(payload).await,
            Message::Text(text) => match command(&text) {
                Ok(Command::Send { text }) => far.send(text).await,
                Ok(Command::Ping) => far.ping(&pings.payload()),
                Ok(Command::Close { code, reason }) => {
                    let code = code.map_or(CloseCode::NO_STATUS, CloseCode::from);
                    far.begin_close(code, &reason)
                }
                Err(wrong) => return Left::Wrong(wrong),
            },
        };
        // What else there is to say of the far connection, its own reader says.
        if let Err(error @ Error::Misuse(_)) = done {
            tape.event(trouble::misuse(&error));
        }
    }
}

/// Resolves when the page's connection is over, though nobody reads from it.
pub(super) async fn gone(page: &Sender) {
    while page.close_story().is_none() {
        sleep(LOOK).await;
    }
}

/// Tells what the far server says until its connection is over, and how that came.
pub(super) async fn listen(far: &mut Receiver, tape: &Tape, pings: &Pings) {
    let ended = loop {
        // Nothing is read while the page has enough to read itself.
        tape.room().await;
        let received = poll_fn(|cx| {
            far.poll_receive(cx, |heard, _| {
                tell(heard, tape, pings);
                if tape.is_full() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
        });
        let received = tokio::select! {
            biased;
            received = received => received,
            // Frames that are no event yet fill it too.
            () = full(tape) => continue,
        };
        match received {
            Ok(Received::Closed(story)) => break Ok(*story),
            Ok(_) => {}
            Err(error) => break Err(error),
        }
    };
    let story = match &ended {
        Ok(story) => Some(story.clone()),
        Err(Error::Closed(story)) => Some((**story).clone()),
        Err(error) => {
            if let Some(event) = trouble::open(error) {
                tape.event(event);
            }
            far.close_story()
        }
    };
    let story = story.unwrap_or_else(|| CloseStory::begun(ClosedBy::Network));
    tape.event(close(&story));
}

/// Resolves when the tape is full. Nobody wakes it: what fills the tape is polled beside it.
async fn full(tape: &Tape) {
    poll_fn(|_| match tape.is_full() {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

fn tell(heard: Heard<'_>, tape: &Tape, pings: &Pings) {
    match heard {
        Heard::Text(text) => {
            let text = text.into_text();
            tape.event(Event::Text { text });
        }
        Heard::Binary(payload) => tape.add(Told::Binary(payload.into_bytes())),
        Heard::Ping(_) => tape.event(Event::Ping),
        Heard::Pong(payload) => {
            let rtt = pings.answered(&payload.into_bytes());
            let rtt_ms = rtt.map(|rtt| (rtt.as_secs_f64() * 1e6).round() / 1e3);
            tape.event(Event::Pong { rtt_ms });
        }
        _ => {}
    }
}

/// How a connection ended, as a browser would tell it and more.
fn close(story: &CloseStory) -> Event {
    let (by, frame) = match story.by {
        ClosedBy::Us => (By::Client, &story.sent),
        ClosedBy::Peer => (By::Server, &story.received),
        ClosedBy::Network => (By::Nobody, &None),
    };
    Event::Close {
        code: story.code().into(),
        reason: frame
            .as_ref()
            .map(|frame| frame.reason.to_string())
            .unwrap_or_default(),
        by,
        // RFC 6455 §7.1.4: "The WebSocket Connection is said to have been closed cleanly" after the
        // closing handshake, whatever the code.
        clean: story.failure.is_none() && story.sent.is_some() && story.received.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pong_answers_its_ping_and_those_before_it() {
        let pings = Pings::default();
        let first = pings.payload();
        let second = pings.payload();
        assert!(pings.answered(b"unasked").is_none() && pings.answered(&[0; 8]).is_none());
        assert!(pings.answered(&second).is_some());
        assert!(pings.answered(&first).is_none() && pings.answered(&second).is_none());
        for _ in 0..3 * PINGS {
            pings.payload();
        }
        let waiting = pings.0.lock().map(|pings| pings.1.len()).unwrap_or(0);
        assert_eq!(waiting, PINGS);
    }
}
