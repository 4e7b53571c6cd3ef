//! What a host does with a publication: one encoding for all who get it in the same form.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::engine::Map;
use crate::mailbox::Post;
use crate::outbox::{Frame, Outbox};
use crate::protocol::Format;
use std::cell::RefCell;
use std::rc::Rc;
use tidewire_hub_core::{Settings, ShardId};
use tidewire_hub_proto::{Lag, Origin, Payload, Publication, Term};

/// Remembers what it was given.
#[derive(Default)]
struct Kept {
    frames: RefCell<Vec<Frame>>,
    moved: RefCell<Vec<Pos>>,
    closed: RefCell<Option<u16>>,
}

impl Outbox for Kept {
    fn queue(&self, frame: &Frame, moved: Option<(&Channel, Pos)>) -> usize {
        self.moved.borrow_mut().extend(moved.map(|(_, pos)| pos));
        self.frames.borrow_mut().push(frame.clone());
        frame.payload().len()
    }

    fn queued(&self) -> usize {
        let frames = self.frames.borrow();
        frames.iter().map(|frame| frame.payload().len()).sum()
    }

    fn flush(&self) -> usize {
        0
    }

    fn close(&self, code: u16, _: &str) {
        *self.closed.borrow_mut() = Some(code);
    }

    fn resume(&self) {}
}

impl Kept {
    /// Where the last frame's bytes are, and what they say.
    fn last(&self) -> (*const u8, String) {
        let frames = self.frames.borrow();
        let payload = frames.last().unwrap().payload();
        let text = String::from_utf8_lossy(payload).into_owned();
        (payload.as_ptr(), text)
    }
}

fn host() -> NodeHost {
    let settings = Settings::default();
    let map = Map::new(&settings, 1, None);
    let post = Post(Vec::new().into());
    NodeHost {
        outboxes: Outboxes::default(),
        engines: Engines::new(ShardId(0), map, post, &settings, Term(1)),
        clock: Clock::new(),
    }
}

fn session(index: u32) -> SessionId {
    SessionId {
        index,
        generation: 0,
    }
}

fn open(host: &mut NodeHost, index: u32, format: Format) -> Rc<Kept> {
    let outbox = Rc::new(Kept::default());
    host.outboxes.announce(format, outbox.clone());
    host.outboxes.settle(session(index), None);
    outbox
}

fn item(payload: Payload, key: Option<&str>) -> Item<Encodings> {
    let mut publication = Publication::new(Origin::default(), payload);
    publication.pos = Some(Pos::new(Term(1), 7));
    publication.key = key.map(Into::into);
    Item {
        channel: Channel::parse("lobby").unwrap(),
        publication,
        encoded: Encodings::default(),
    }
}

#[test]
fn a_publication_is_encoded_once_for_each_form_in_use_and_the_key_is_the_publishers() {
    let mut host = host();
    let formats = [
        Format::Native,
        Format::NativeBinary,
        Format::Plain { members: false },
    ];
    let kept: Vec<_> = (0..1000)
        .map(|index| open(&mut host, index, formats[index as usize % 3]))
        .collect();
    let item = item(Payload::binary(vec![1, 2, 3]), Some("k1"));
    for index in 0..1000 {
        assert!(host.deliver(session(index), &item, index == 0) > 0);
    }
    let (own, text) = kept[0].last();
    assert!(text.contains("\"key\":\"k1\""), "{text}");
    for form in 0..3 {
        let first = kept[3 + form].last();
        assert_ne!(first.0, own);
        assert!(!first.1.contains("k1"));
        let others = (6 + form..1000).step_by(3);
        assert!(
            others.into_iter().all(|at| kept[at].last() == first),
            "form {form}"
        );
    }
    assert_eq!(*kept[1].moved.borrow(), [Pos::new(Term(1), 7)]);
}

#[test]
fn plain_clients_hear_no_envelopes_and_failures_by_the_close() {
    let mut host = host();
    let plain = open(&mut host, 0, Format::Plain { members: false });
    let channel = Channel::parse("lobby").unwrap();
    let pos = Pos::new(Term(1), 9);
    host.push(
        session(0),
        Push::Live {
            channel: channel.clone(),
            pos,
        },
    );
    host.push(
        session(0),
        Push::Lag {
            channel,
            lag: Lag {
                from: None,
                pos: Some(pos),
                skipped: Some(2),
                recovering: false,
            },
        },
    );
    assert!(plain.frames.borrow().is_empty());
    let gone = Reply::error(tidewire_hub_proto::ErrorCode::NotSubscribed, "it ends");
    host.push(
        session(0),
        Push::Reply {
            id: None,
            reply: gone,
        },
    );
    assert_eq!(
        *plain.closed.borrow(),
        None,
        "the shard is about to say why"
    );
    let error = Reply::error(tidewire_hub_proto::ErrorCode::TooLarge, "too large");
    host.push(
        session(0),
        Push::Reply {
            id: None,
            reply: error,
        },
    );
    assert_eq!(*plain.closed.borrow(), Some(1009));
}

#[test]
fn what_is_not_said_to_plain_clients_hides_nothing_that_waits() {
    let mut host = host();
    let _plain = open(&mut host, 0, Format::Plain { members: false });
    let waits = host.deliver(session(0), &item(Payload::text("hello"), None), false);
    assert_eq!(waits, 5);
    let reply = Reply::Published {
        channel: Channel::parse("lobby").unwrap(),
        pos: None,
    };
    assert_eq!(host.push(session(0), Push::Reply { id: None, reply }), 5);
    let mut redacted = item(Payload::text("gone"), None);
    redacted.publication.payload = None;
    assert_eq!(host.deliver(session(0), &redacted, false), 5);
}

#[test]
fn what_is_said_to_a_session_that_has_ended_reaches_nobody_else() {
    let mut host = host();
    let first = open(&mut host, 0, Format::Native);
    host.close(session(0), CloseReason::SlowConsumer);
    assert_eq!(*first.closed.borrow(), Some(4002));
    let next = SessionId {
        index: 0,
        generation: 1,
    };
    let second = Rc::new(Kept::default());
    host.outboxes.announce(Format::Native, second.clone());
    host.outboxes.settle(next, None);
    let item = item(Payload::text("x"), None);
    assert_eq!(host.deliver(session(0), &item, false), 0);
    assert!(host.deliver(next, &item, false) > 0);
    assert_eq!(second.frames.borrow().len(), 1);
    assert!(first.frames.borrow().is_empty());
}
