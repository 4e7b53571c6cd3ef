//! What can be seen of a connection: counted traffic, queue length, and the list of events.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use tidewire::{PreparedFrame, Traffic};
use tokio::io::duplex;

/// Bytes of frame heads for payloads up to 125 bytes, from a server and from a client.
const SERVER_HEAD: u64 = 2;
const CLIENT_HEAD: u64 = 6;

#[tokio::test(start_paused = true)]
async fn both_sides_count_the_same_traffic() {
    let (a, b) = duplex(64 * 1024);
    let (mut client, mut server) = open(client().deflate(None), server(), a, b).await;
    client.send("12345").await.unwrap();
    client.send(vec![0; 20]).await.unwrap();
    client.ping(b"not a message").unwrap();
    server.recv().await.unwrap();
    server.recv().await.unwrap();
    server.queue(&PreparedFrame::text("prepared")).unwrap();
    server.flush().await.unwrap();
    client.recv().await.unwrap();
    let (story, end) = tokio::join!(server.close(1000, ""), client.recv());
    assert!(story.unwrap().is_clean() && end.unwrap().is_none());

    let (up, down) = (client.traffic().sent, server.traffic().sent);
    assert_eq!((up.messages, up.payload_bytes), (2, 25));
    let control = (CLIENT_HEAD + 13) + (CLIENT_HEAD + 2); // a Ping, and the answer to the Close
    assert_eq!(up.wire_bytes, 25 + 2 * CLIENT_HEAD + control);
    assert_eq!((down.messages, down.payload_bytes), (1, 8));
    assert_eq!(server.traffic().received, up);
    assert_eq!(client.traffic().received, down);
    assert!(down.wire_bytes > SERVER_HEAD + 8, "{down:?}");
    let mut total = Traffic::default();
    total += client.traffic();
    total += server.traffic();
    assert_eq!(total.sent, total.received);
}

#[tokio::test(start_paused = true)]
async fn the_ratio_shows_what_compression_saves() {
    for (deflate, most) in [(true, 0.1), (false, 1.1)] {
        let (a, b) = duplex(64 * 1024);
        let wish = deflate.then(Default::default);
        let (client, mut server) =
            open(client().deflate(wish.clone()), server().deflate(wish), a, b).await;
        assert_eq!(client.traffic().sent.ratio(), None);
        client.send("the same again, ".repeat(1000)).await.unwrap();
        server.recv().await.unwrap();
        let ratio = server.traffic().received.ratio().unwrap();
        assert!(ratio < most && (deflate || ratio > 1.0), "{ratio}");
        assert_eq!(client.traffic().sent.ratio(), Some(ratio));
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_slow_peer_is_seen() {
    let (a, b) = duplex(1024);
    let (client, mut server) = open(client().deflate(None), server(), a, b).await;
    assert_eq!(client.queued(), 0);
    client.send(vec![1; 10_000]).await.unwrap();
    assert!(client.queued() > 8_000, "{}", client.queued());
    server.recv().await.unwrap();
    client.flush().await.unwrap();
    assert_eq!(client.queued(), 0);
}

/// The catalogue is what people build alerts on: it lists every event with every field, and no other.
#[test]
fn the_catalogue_of_events_is_complete() {
    let source = include_str!("../src/observe/events.rs");
    let catalogue = include_str!("../docs/observability.md");
    let (mut made, mut listed) = (Vec::new(), Vec::new());
    // The formatter writes short calls on one line, and long ones on many: the same after this.
    let source = source.split("/// A handshake is complete.").nth(1).unwrap();
    let source = source.replace("tell!(", "\ntell!(\n").replace(", ", ",\n");
    for call in source.split("tell!(\n").skip(1) {
        let call = call.split(");").next().unwrap();
        let mut lines = call
            .trim()
            .lines()
            .map(|line| line.trim().trim_end_matches(','));
        let level = lines.next().unwrap().to_owned();
        let name = lines.next().unwrap().trim_matches('"').to_owned();
        let mut fields: Vec<_> = lines
            .filter_map(|line| Some(line.split_once(" = ")?.0.to_owned()))
            .collect();
        fields.sort();
        made.push((level, name, fields));
    }
    for row in catalogue.lines().filter(|line| {
        line.starts_with("| DEBUG") || line.starts_with("| WARN") || line.starts_with("| INFO")
    }) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let mut fields: Vec<_> = cells[4]
            .split(", ")
            .map(|field| field.trim_matches('`').to_owned())
            .collect();
        fields.sort();
        listed.push((
            cells[1].to_owned(),
            cells[2].trim_matches('`').to_owned(),
            fields,
        ));
    }
    made.sort();
    listed.sort();
    assert!(made.len() >= 4);
    assert_eq!(made, listed);
}
