//! The end of a connection, in virtual time: who says what, what both sides are told, deadlines.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::time::Duration;
use tidewire::{ClosedBy, Error, Message, ProtocolViolation, Timeout, WebSocket};
use tidewire_testkit::RawFrame;
use tokio::time::{sleep, timeout};

/// `closer` closes with a code and reason, `other` receives; what both are told.
async fn each_side(closer: &mut WebSocket, other: &mut WebSocket, code: u16) {
    let (closed, received) = tokio::join!(closer.close(code, "why"), other.recv());
    let story = closed.unwrap();
    assert_eq!(story.by, ClosedBy::Us);
    let sent = story.sent.clone().unwrap();
    assert_eq!((sent.code.0, &*sent.reason), (code, "why"));
    assert_eq!(story.received.unwrap().code.0, code);
    match received {
        Ok(None) => assert!([1000, 1001].contains(&code), "{code}"),
        Err(Error::Closed(story)) => {
            assert!(![1000, 1001].contains(&code), "{code}");
            assert_eq!(story.received.unwrap().code.0, code);
        }
        other => panic!("{other:?}"),
    }
    let story = other.close_story().unwrap();
    assert_eq!(story.by, ClosedBy::Peer);
    assert_eq!(story.received.unwrap().reason, "why");
}

#[tokio::test(start_paused = true)]
async fn either_side_closes_and_both_tell_the_same_story() {
    for code in [1000, 1001, 1002, 1008, 1011, 3000, 4999] {
        let (mut client, mut server) = pair().await;
        each_side(&mut client, &mut server, code).await;
        let (mut client, mut server) = pair().await;
        each_side(&mut server, &mut client, code).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_without_a_code_is_a_clean_end() {
    let (mut peer, mut ws) = raw_client(server(), 4096).await;
    peer.send(RawFrame::new(8, [])).await;
    assert_eq!(ws.recv().await.unwrap(), None);
    assert_eq!(ws.recv().await.unwrap(), None);
    peer.expect("CLOSE without a code").await;
    peer.expect_end().await;
}

#[tokio::test(start_paused = true)]
async fn both_close_at_once() {
    let (mut client, mut server) = pair().await;
    let (a, b) = tokio::join!(client.close(1000, "a"), server.close(1001, "b"));
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_eq!(
        (
            a.sent.unwrap().reason.as_str(),
            a.received.unwrap().reason.as_str()
        ),
        ("a", "b")
    );
    assert_eq!(
        (
            b.sent.unwrap().reason.as_str(),
            b.received.unwrap().reason.as_str()
        ),
        ("b", "a")
    );
}

#[tokio::test(start_paused = true)]
async fn an_end_without_a_close_frame_is_the_networks() {
    let (peer, mut ws) = raw_client(server(), 4096).await;
    drop(peer);
    let Err(Error::Closed(story)) = ws.recv().await else {
        panic!()
    };
    assert_eq!(
        (story.by, story.sent, story.received),
        (ClosedBy::Network, None, None)
    );
    assert!(matches!(ws.recv().await, Err(Error::Closed(_))));
    assert!(matches!(ws.send("x").await, Err(Error::Closed(_))));
    assert!(ws.flush().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn messages_before_the_end_are_received_first() {
    let (mut peer, mut ws) = raw_client(server(), 4096).await;
    peer.send_all(&[
        RawFrame::text("a"),
        RawFrame::text("b"),
        RawFrame::close(4000, "bye"),
    ])
    .await;
    drop(peer);
    assert_eq!(ws.recv().await.unwrap(), Some(Message::text("a")));
    // Nobody takes this any more; what came before must not be lost by that.
    let _ = ws.send("into the void").await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(ws.recv().await.unwrap(), Some(Message::text("b")));
    let Err(Error::Closed(story)) = ws.recv().await else {
        panic!()
    };
    assert_eq!(story.received.unwrap().code.0, 4000);
}

#[tokio::test(start_paused = true)]
async fn a_close_that_waits_in_the_pipe_is_read_though_writing_fails() {
    let (mut peer, mut ws) = raw_client(server(), 4096).await;
    peer.send_all(&[RawFrame::text("a"), RawFrame::close(1013, "try later")])
        .await;
    drop(peer);
    let _ = ws.send("into the void").await;
    assert!(matches!(ws.send("again").await, Err(Error::Io(_))));
    assert_eq!(ws.recv().await.unwrap(), Some(Message::text("a")));
    let Err(Error::Closed(story)) = ws.recv().await else {
        panic!()
    };
    assert_eq!(story.received.unwrap().code.0, 1013);
}

#[tokio::test(start_paused = true)]
async fn the_server_ends_the_connection_first_and_the_client_waits_for_it() {
    let (mut peer, mut ws) = raw_server(client(), 4096).await;
    let close = tokio::spawn(async move { seconds(ws.close(1000, "")).await });
    peer.expect_close(1000).await;
    peer.send(RawFrame::close(1000, "")).await;
    sleep(Duration::from_secs(3)).await;
    assert!(
        !close.is_finished(),
        "the client waits for the server's end"
    );
    drop(peer);
    let (story, time) = close.await.unwrap();
    assert!(story.unwrap().is_clean());
    assert!((3.0..3.1).contains(&time), "{time}");
}

#[tokio::test(start_paused = true)]
async fn a_client_does_not_wait_for_ever_for_the_servers_end() {
    let (mut peer, mut ws) = raw_server(client(), 4096).await;
    peer.send(RawFrame::close(1000, "")).await;
    let (end, time) = seconds(ws.recv()).await;
    assert_eq!(end.unwrap(), None);
    assert!((5.0..5.3).contains(&time), "{time}");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_counts_from_the_close_and_not_from_when_its_bytes_came() {
    let (mut peer, mut ws) = raw_server(client(), 4096).await;
    peer.send_all(&[RawFrame::text("a"), RawFrame::close(1000, "")])
        .await;
    assert_eq!(ws.recv().await.unwrap(), Some(Message::text("a")));
    sleep(Duration::from_secs(15)).await; // a slow handler
    let (end, time) = seconds(ws.recv()).await;
    assert_eq!(end.unwrap(), None);
    assert!((5.0..5.3).contains(&time), "{time}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_answers_a_close_is_left_after_five_seconds() {
    let (peer, mut ws) = raw_client(server(), 4096).await;
    let (closed, time) = seconds(ws.close(1000, "")).await;
    assert!(
        matches!(closed, Err(Error::Timeout(Timeout::Close))),
        "{closed:?}"
    );
    assert!((5.0..5.3).contains(&time), "{time}");
    let story = ws.close_story().unwrap();
    assert_eq!((story.by, story.received), (ClosedBy::Us, None));
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_at_all_cannot_hold_a_close_up() {
    let (peer, mut ws) = raw_client(server(), 512).await;
    ws.send(vec![0; 100_000]).await.unwrap();
    let (closed, time) = seconds(ws.close(1000, "")).await;
    assert!(
        matches!(closed, Err(Error::Timeout(Timeout::Close))),
        "{closed:?}"
    );
    assert!((5.0..5.3).contains(&time), "{time}");
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn a_close_waits_behind_data_that_the_peer_reads_slowly() {
    let (mut peer, mut ws) = raw_client(server(), 512).await;
    ws.send(vec![7; 5000]).await.unwrap();
    let close = tokio::spawn(async move { ws.close(1000, "").await });
    let mut bytes = Vec::new();
    while bytes.len() < 5000 + 4 + 4 {
        sleep(Duration::from_secs(2)).await; // 20 s in all, with progress
        let mut chunk = [0; 512];
        let count = tokio::io::AsyncReadExt::read(&mut peer.io, &mut chunk)
            .await
            .unwrap();
        assert!(count > 0, "cut after {} bytes", bytes.len());
        bytes.extend_from_slice(&chunk[..count]);
    }
    peer.send(RawFrame::close(1000, "")).await;
    assert!(close.await.unwrap().unwrap().is_clean());
}

#[tokio::test(start_paused = true)]
async fn close_can_be_cancelled_and_called_again() {
    let (mut peer, mut ws) = raw_client(server(), 4096).await;
    for _ in 0..3 {
        assert!(
            timeout(Duration::from_secs(1), ws.close(1000, "once"))
                .await
                .is_err()
        );
    }
    peer.send(RawFrame::text("still on its way")).await;
    peer.send(RawFrame::close(1000, "")).await;
    let story = ws.close(3000, "not this one").await.unwrap();
    assert_eq!(story.sent.unwrap().reason, "once");
    peer.expect("CLOSE 1000 (normal closure): once").await;
    peer.expect_end().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_behind_a_close() {
    let (mut peer, mut ws) = raw_client(server(), 4096).await;
    ws.begin_close(1000, "").unwrap();
    assert!(matches!(ws.send("late").await, Err(Error::Closed(_))));
    assert!(matches!(ws.feed("late").await, Err(Error::Closed(_))));
    assert!(matches!(ws.ping(b"late"), Err(Error::Closed(_))));
    peer.send(RawFrame::ping("now?")).await;
    peer.send(RawFrame::text("one more")).await;
    assert_eq!(ws.recv().await.unwrap(), Some(Message::text("one more")));
    peer.send(RawFrame::close(1000, "")).await;
    assert_eq!(ws.recv().await.unwrap(), None);
    peer.expect_close(1000).await;
    peer.expect_end().await;
}

#[tokio::test(start_paused = true)]
async fn a_code_that_may_not_be_sent_changes_nothing() {
    let (mut client, mut server) = pair().await;
    for code in [0, 999, 1005, 1006, 1015, 2999, 5000] {
        if code != 1005 {
            assert!(
                matches!(client.close(code, "").await, Err(Error::Misuse(_))),
                "{code}"
            );
        }
    }
    assert!(matches!(
        client.close(1000, &"x".repeat(124)).await,
        Err(Error::Misuse(_))
    ));
    client.send("still open").await.unwrap();
    assert_eq!(
        server.recv().await.unwrap(),
        Some(Message::text("still open"))
    );
}

#[tokio::test(start_paused = true)]
async fn violations_are_answered_with_their_close_and_then_the_end() {
    let cases = [
        (RawFrame::text("x").unmasked(), 1002),
        (RawFrame::text("x").rsv(2), 1002),
        (RawFrame::new(3, ""), 1002),
        (RawFrame::continuation("x"), 1002),
        (RawFrame::ping([0; 126]), 1002),
        (RawFrame::text("x").length_in_eight_bytes(), 1002),
        (RawFrame::new(8, [3]), 1002),
        (RawFrame::close(1005, ""), 1002),
        (RawFrame::text([0xff]), 1007),
        (RawFrame::text([0xc3]), 1007),
        (RawFrame::binary("").claiming(1 << 40), 1009),
    ];
    for (frame, code) in cases {
        let (mut peer, mut ws) = raw_client(server(), 4096).await;
        peer.send(frame.clone()).await;
        let outcome = ws.recv().await;
        assert!(
            matches!(outcome, Err(Error::Protocol(_) | Error::Limit(_))),
            "{outcome:?}"
        );
        assert!(ws.recv().await.is_err());
        peer.expect_close(code).await;
        peer.expect_end().await;
        let story = ws.close_story().unwrap();
        assert_eq!((story.by, story.sent.unwrap().code.0), (ClosedBy::Us, code));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_answers_a_masked_frame_with_1002() {
    let (mut peer, mut ws) = raw_server(client(), 4096).await;
    peer.send(RawFrame::text("x").masked_with([1, 2, 3, 4]))
        .await;
    let outcome = ws.recv().await;
    assert!(matches!(
        outcome,
        Err(Error::Protocol(ProtocolViolation::MaskedFrame))
    ));
    peer.expect_close(1002).await;
    peer.expect_end().await;
}

#[tokio::test(start_paused = true)]
async fn the_close_that_accuses_comes_behind_all_that_was_queued() {
    let (mut peer, mut ws) = raw_client(server().high_water(1000), 512).await;
    ws.send(vec![7; 5000]).await.unwrap(); // more than the high-water mark, and the pipe is full
    peer.send(RawFrame::text([0xff])).await;
    assert!(matches!(ws.recv().await, Err(Error::Protocol(_))));
    assert_eq!(peer.next().await.unwrap().payload.len(), 5000);
    peer.expect_close(1007).await;
    peer.expect_end().await;
}

#[tokio::test(start_paused = true)]
async fn dropped_without_a_close_the_peer_sees_an_abnormal_end() {
    let (client, mut server) = pair().await;
    client.feed("fed").await.unwrap();
    drop(client);
    assert_eq!(server.recv().await.unwrap(), Some(Message::text("fed")));
    let Err(Error::Closed(story)) = server.recv().await else {
        panic!()
    };
    assert_eq!(story.by, ClosedBy::Network);
    assert!(story.to_string().contains("1006"), "{story}");
}

#[tokio::test(start_paused = true)]
async fn a_visitor_that_closes_late_gets_the_whole_deadline() {
    let client = client().config(no_keepalive());
    let (client, mut server) = pair_of(client, server(), 4096).await;
    let (sender, mut receiver) = client.split();
    for _ in 0..2 {
        server.send("x").await.unwrap();
    }
    assert!(receiver.recv().await.unwrap().is_some());
    sleep(Duration::from_secs(15)).await;
    let answer = tokio::spawn(async move {
        sleep(Duration::from_secs(3)).await;
        server.recv().await
    });
    let end = std::future::poll_fn(|cx| {
        receiver.poll_receive(cx, |_, link| {
            link.begin_close(1000, "enough").unwrap();
            std::ops::ControlFlow::Continue(())
        })
    });
    let (end, time) = seconds(end).await;
    assert!(matches!(end, Ok(tidewire::Received::Closed(story)) if story.is_clean()));
    assert!((3.0..3.1).contains(&time), "{time}");
    assert_eq!(answer.await.unwrap().unwrap(), None);
    drop(sender);
}
