//! What `tracing` is told: alone in its program, because what is listened to is kept for all threads.

#![cfg(feature = "tracing")]
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use tokio::io::duplex;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps each event as a line.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "tidewire"
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        panic!("no span per connection")
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(format!(
            "{} {}:",
            event.metadata().level(),
            event.metadata().name()
        ));
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test(start_paused = true)]
async fn a_life_is_told_from_beginning_to_end_once() {
    let log = Log::default();
    let guard = tracing::subscriber::set_default(log.clone());
    let (a, b) = duplex(1024);
    let (mut client, mut server) = open(client().deflate(None), server(), a, b).await;
    server.send(vec![1; 5000]).await.unwrap();
    client.recv().await.unwrap();
    server.flush().await.unwrap();
    let ends = tokio::join!(server.close(4000, "enough"), client.recv());
    assert!(ends.0.is_ok() && ends.1.is_err());
    drop((client, server));
    drop(guard);
    let log = log.0.lock().unwrap();
    let count = |what: &str| log.iter().filter(|line| line.contains(what)).count();
    assert_eq!(count("connection opened:"), 2, "{log:#?}");
    assert_eq!(count("connection closed:"), 2, "{log:#?}");
    assert_eq!(count("closed by the peer with 4000"), 1, "{log:#?}");
    assert_eq!(count("closed by us with 4000"), 1, "{log:#?}");
    assert!(count("writing blocked:") > 0, "{log:#?}");
    assert_eq!(
        count("writing blocked:"),
        count("writing resumed:"),
        "{log:#?}"
    );
}
