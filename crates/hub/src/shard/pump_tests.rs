//! What is due is done by a shard that never has nothing else to do.
#![allow(clippy::unwrap_used, clippy::field_reassign_with_default)]

use super::super::local::Front;
use super::*;
use crate::Hub;
use crate::config::Config;
use crate::outbox::{Frame, Outbox};
use crate::protocol::Format;
use std::cell::RefCell;
use tidewire_hub_core::{Access, Connect, Namespace, ShardId, TransportKind};
use tidewire_hub_proto::{Channel, Command, Pos, Request};
use tokio::sync::watch;

/// Remembers what was said.
#[derive(Default)]
struct Heard(RefCell<String>);

impl Outbox for Heard {
    fn queue(&self, frame: &Frame, _: Option<(&Channel, Pos)>) -> usize {
        let said = String::from_utf8_lossy(frame.payload());
        self.0.borrow_mut().push_str(&said);
        0
    }

    fn queued(&self) -> usize {
        0
    }

    fn flush(&self) -> usize {
        0
    }

    fn close(&self, _: u16, _: &str) {}

    fn resume(&self) {}
}

fn join(local: &Local, name: &str) -> (tidewire_hub_core::SessionId, Rc<Heard>) {
    let heard = Rc::new(Heard::default());
    let connect = Connect {
        session: name.into(),
        seed: [0; 12],
        client: None,
        name: None,
        transport: TransportKind::WebSocket,
        hello: false,
        lease: None,
    };
    let session = local.open(Format::Native, connect, heard.clone());
    let command = Command::Subscribe {
        channel: Channel::parse("live:a").unwrap(),
        since: None,
        history: 0,
        presence: true,
    };
    local.request(session, Request { id: None, command });
    (session, heard)
}

#[tokio::test]
async fn a_leave_is_told_by_a_loop_that_never_sleeps() {
    let mut config = Config::default();
    config.listen = vec!["127.0.0.1:0".into()];
    config.shards = 1;
    let mut namespace = Namespace::default();
    namespace.subscribe = Access::Anyone;
    namespace.presence = Access::Anyone;
    namespace.log.grace = 20;
    config.settings.namespaces.insert("live".into(), namespace);
    let hub = Hub::start(config, |_| {}).await.unwrap();
    // A shard beside the hub's own, whose loop is this test.
    let front = Front {
        router: axum::Router::new,
        serve: |_, _, _, _| {},
    };
    let (_leave, leaving) = watch::channel(None);
    let local = Local::new(hub.node().clone(), front, ShardId(0), leaving);
    let mut told = Vec::new();
    let (_stays, heard) = join(&local, "stays");
    let (leaves, _) = join(&local, "leaves");
    while local.turn(&mut told) {}
    local.leave(leaves);
    let begun = Instant::now();
    while !heard.0.borrow().contains(r#""op":"leave""#) {
        local.turn(&mut told);
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{heard:?}",
            heard = heard.0
        );
        yield_now().await;
    }
    hub.shut_down(Duration::from_secs(5)).await;
}
