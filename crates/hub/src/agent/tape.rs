//! What is to be told to the page, in its order. Bounded: whoever adds to it waits for room first.

use super::wire::{Event, Shown, Tls};
use crate::certificate;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tidewire::wire::{Frame, Seen, Way};
use tokio::sync::Notify;

/// How much waits before nothing more is read, in bytes; one message or one read above it.
const ROOM: usize = 256 * 1024;
/// What something that waits counts besides its payload.
const EACH: usize = 64;
/// Frames that wait: one read may bring so many that a page could not be told them all.
const FRAMES: usize = 20_000;

/// Something that the page is told.
#[derive(Debug)]
pub(super) enum Told {
    Event(Event),
    Frame(Way, Frame),
    /// A binary message.
    Binary(Bytes),
}

impl Told {
    fn weight(&self) -> usize {
        EACH + match self {
            Self::Event(Event::Text { text }) => text.len(),
            Self::Binary(payload) => payload.len(),
            _ => 0,
        }
    }
}

/// Between the far connection, which adds to it wherever it reads and writes, and the page's.
pub(super) struct Tape {
    frames: bool,
    verified: bool,
    state: Mutex<State>,
    more: Notify,
    room: Notify,
    over: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Told>,
    weight: usize,
    /// How many of those that wait are frames.
    frames: usize,
    /// Nothing will be added any more.
    ended: bool,
    skipped: u64,
    proxy: Option<String>,
    /// How far the far connection has come.
    reached: Reached,
    /// The head of an answer that is no agreement.
    refusal: Option<String>,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reached {
    #[default]
    Nothing,
    Tcp,
    Asked,
}

impl Tape {
    /// `frames`: whether each of them is told; `verified`: whether certificates are judged.
    pub(super) fn new(frames: bool, verified: bool) -> Self {
        Self {
            frames,
            verified,
            state: Mutex::default(),
            more: Notify::new(),
            room: Notify::new(),
            over: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn event(&self, event: Event) {
        self.add(Told::Event(event));
    }

    pub(super) fn add(&self, told: Told) {
        let mut state = self.lock();
        state.weight += told.weight();
        state.waiting.push_back(told);
        drop(state);
        self.more.notify_one();
    }

    /// Takes what the far connection shows.
    pub(super) fn see(&self, seen: Seen<'_>) {
        match seen {
            Seen::Proxy(url) => self.lock().proxy = Some(url.to_owned()),
            Seen::Connected(address) => {
                let mut state = self.lock();
                state.reached = Reached::Tcp;
                let proxy = state.proxy.take();
                drop(state);
                let address = address.to_string();
                self.event(Event::Connected { address, proxy });
            }
            Seen::Secured(stream) => {
                let alpn = stream.alpn();
                let chain = stream.peer_certificates();
                self.event(Event::Tls(Tls {
                    version: stream.version(),
                    cipher: stream.cipher_suite(),
                    alpn: alpn.map(|name| String::from_utf8_lossy(name).into_owned()),
                    verified: self.verified,
                    chain: chain.iter().map(|der| certificate::read(der)).collect(),
                }));
            }
            Seen::Head(way, head) => self.head(way, String::from_utf8_lossy(head).into_owned()),
            Seen::Frame(way, frame) if self.frames => self.frame(way, frame),
            _ => {}
        }
    }

    fn head(&self, way: Way, head: String) {
        if way == Way::Out {
            let mut state = self.lock();
            state.reached = Reached::Asked;
            let proxy = state.proxy.take();
            drop(state);
            if proxy.is_some() {
                // Its address could not be seen.
                let address = String::new();
                self.event(Event::Connected { address, proxy });
            }
            return self.event(Event::Request { head });
        }
        let is_final = head.get(9..10).is_some_and(|digit| digit != "1");
        if is_final && head.starts_with("HTTP/") {
            // It is told with its body.
            self.lock().refusal = Some(head);
        } else {
            self.event(Event::Response { head });
        }
    }

    fn frame(&self, way: Way, frame: Frame) {
        let mut state = self.lock();
        if state.frames >= FRAMES {
            state.skipped += 1;
            return;
        }
        state.frames += 1;
        drop(state);
        self.add(Told::Frame(way, frame));
    }

    /// How far the far connection has come.
    pub(super) fn reached(&self) -> Reached {
        self.lock().reached
    }

    /// The head of the answer that was no agreement, once.
    pub(super) fn refusal(&self) -> Option<String> {
        self.lock().refusal.take()
    }

    /// Whether whoever adds should wait.
    pub(super) fn is_full(&self) -> bool {
        self.lock().weight >= ROOM
    }

    /// Waits until there is room. For any number of tasks that poll together.
    pub(super) async fn room(&self) {
        loop {
            let notified = self.room.notified();
            if !self.is_full() {
                return;
            }
            notified.await;
        }
    }

    /// Nothing more is added.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.more.notify_one();
        self.over.notify_one();
    }

    /// Resolves when nothing more is added.
    pub(super) async fn ended(&self) {
        self.over.notified().await;
    }

    /// The next that is to be told, when there is one; `None`: all was told, and nothing more comes.
    pub(super) async fn next(&self) -> Option<Told> {
        loop {
            let notified = self.more.notified();
            if let Some(told) = self.take() {
                return Some(told);
            }
            if self.lock().ended {
                return None;
            }
            notified.await;
        }
    }

    /// The next that is to be told, if there is one. It is shaped here, so that what waits is small.
    fn take(&self) -> Option<Told> {
        let mut state = self.lock();
        let Some(told) = state.waiting.pop_front() else {
            let frames = std::mem::take(&mut state.skipped);
            return (frames > 0).then_some(Told::Event(Event::Skipped { frames }));
        };
        state.weight = state.weight.saturating_sub(told.weight());
        let has_room = state.weight < ROOM;
        if matches!(told, Told::Frame(..)) {
            state.frames = state.frames.saturating_sub(1);
        }
        drop(state);
        if has_room {
            self.room.notify_waiters();
        }
        Some(match told {
            Told::Frame(way, frame) => Told::Event(Event::Frame(Shown::new(way, &frame))),
            other => other,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn frame() -> Frame {
        let mut bytes: &[u8] = &[0x81, 0];
        tidewire::wire::Frames::new().next(&mut bytes).unwrap()
    }

    #[test]
    fn a_flood_of_frames_is_bounded_and_what_is_missing_is_told() {
        let tape = Tape::new(true, true);
        for _ in 0..FRAMES + 5 {
            tape.see(Seen::Frame(Way::In, frame()));
        }
        assert!(tape.is_full());
        for _ in 0..FRAMES {
            assert!(matches!(tape.take(), Some(Told::Event(Event::Frame(_)))));
        }
        let skipped = tape.take();
        assert!(matches!(
            skipped,
            Some(Told::Event(Event::Skipped { frames: 5 }))
        ));
        assert!(tape.take().is_none() && !tape.is_full());
        let quiet = Tape::new(false, true);
        quiet.see(Seen::Frame(Way::In, frame()));
        assert!(quiet.take().is_none());
    }

    #[test]
    fn the_head_of_a_refusal_waits_for_its_body() {
        let tape = Tape::new(false, true);
        tape.see(Seen::Head(Way::In, b"HTTP/1.1 103 Early Hints\r\n\r\n"));
        assert!(matches!(
            tape.take(),
            Some(Told::Event(Event::Response { .. }))
        ));
        tape.see(Seen::Head(Way::In, b"HTTP/1.1 403 Forbidden\r\n\r\n"));
        assert!(tape.take().is_none());
        assert!(tape.refusal().unwrap().contains("403") && tape.refusal().is_none());
        tape.see(Seen::Head(Way::In, b"SSH-2.0-\xff\r\n"));
        assert!(matches!(
            tape.take(),
            Some(Told::Event(Event::Response { .. }))
        ));
    }

    #[test]
    fn a_proxy_is_told_with_the_connection_or_before_the_request() {
        let connected = |tape: &Tape| match tape.take() {
            Some(Told::Event(Event::Connected { address, proxy })) => (address, proxy),
            other => panic!("{other:?}"),
        };
        let proxy = Some("http://p:1".to_owned());
        let tape = Tape::new(false, true);
        tape.see(Seen::Proxy("http://p:1"));
        tape.see(Seen::Connected(([127, 0, 0, 1], 1).into()));
        assert_eq!(connected(&tape), ("127.0.0.1:1".to_owned(), proxy.clone()));
        assert_eq!(tape.reached(), Reached::Tcp);
        tape.see(Seen::Proxy("http://p:1"));
        tape.see(Seen::Head(Way::Out, b"GET / HTTP/1.1\r\n\r\n"));
        assert_eq!(connected(&tape), (String::new(), proxy));
        assert_eq!(tape.reached(), Reached::Asked);
    }

    #[tokio::test]
    async fn who_waits_for_room_goes_on_when_there_is_some() {
        let tape = Tape::new(false, true);
        tape.add(Told::Binary(vec![0; ROOM].into()));
        let take = async { assert!(tape.take().is_some()) };
        tokio::join!(tape.room(), tape.room(), take);
        assert!(matches!(
            tokio::join!(tape.next(), async { tape.event(Event::Ping) }).0,
            Some(Told::Event(Event::Ping))
        ));
        tape.event(Event::Ping);
        tape.end();
        tape.ended().await;
        assert!(tape.next().await.is_some() && tape.next().await.is_none());
    }
}
