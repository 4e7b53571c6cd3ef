//! Deadlines in virtual time: handshakes that drip, peers that vanish, peers that are only slow.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::time::Duration;
use tidewire::{AcceptError, ConnectError, Error, Message, Timeout};
use tidewire_proto::Role;
use tidewire_testkit::RawFrame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// Sends a byte a second for as long as anyone takes them.
async fn drip(raw: &mut Raw, bytes: &[u8]) {
    for byte in bytes {
        if raw.io.write_all(&[*byte]).await.is_err() {
            return;
        }
        sleep(SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_dripped_request_is_cut_after_ten_seconds_in_all() {
    let (a, b) = wire(4096);
    let mut peer = Raw::new(a, Role::Client);
    let dripping = tokio::spawn(async move {
        drip(&mut peer, format!("{REQUEST}\r\n").as_bytes()).await;
        let mut answer = Vec::new();
        peer.io.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    });
    let (outcome, time) = seconds(server().accept(b)).await;
    assert!(matches!(outcome, Err(AcceptError::Timeout)), "{outcome:?}");
    // 10 s, and at most one more in which the client may read why.
    assert!((10.0..=11.1).contains(&time), "{time}");
    assert!(dripping.await.unwrap().starts_with("HTTP/1.1 408 "));
}

#[tokio::test(start_paused = true)]
async fn a_dripped_response_is_cut_after_ten_seconds_in_all() {
    let (a, b) = wire(4096);
    let mut peer = Raw::new(b, Role::Server);
    tokio::spawn(async move {
        let head = peer.read_head().await;
        drip(&mut peer, response_to(&head, "").as_bytes()).await;
    });
    let (outcome, time) = seconds(client().handshake(a)).await;
    assert!(
        matches!(
            outcome,
            Err(ConnectError::Timeout(tidewire::ConnectStage::Handshake))
        ),
        "{outcome:?}"
    );
    assert!((10.0..10.1).contains(&time), "{time}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_connects_and_says_nothing_is_cut() {
    let (peer, b) = wire(4096);
    let (outcome, time) = seconds(server().accept(b)).await;
    assert!(matches!(outcome, Err(AcceptError::Timeout)));
    assert!((10.0..=11.1).contains(&time), "{time}");
    drop(peer);
    let (peer, b) = wire(4096);
    let (outcome, time) = seconds(server().handshake_timeout(3 * SECOND).accept(b)).await;
    assert!(matches!(outcome, Err(AcceptError::Timeout)));
    assert!((3.0..=4.1).contains(&time), "{time}");
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_the_response_is_cut() {
    let (mut peer, b) = wire(100);
    let accept = tokio::spawn(async move { seconds(server().accept(b)).await });
    for piece in format!("{REQUEST}\r\n").as_bytes().chunks(50) {
        peer.write_all(piece).await.unwrap();
    }
    let (outcome, time) = accept.await.unwrap();
    assert!(matches!(outcome, Err(AcceptError::Timeout)), "{outcome:?}");
    assert!((10.0..=11.1).contains(&time), "{time}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_vanished_is_pinged_at_20_and_given_up_at_40_seconds() {
    for role in [Role::Client, Role::Server] {
        let (mut peer, mut ws) = match role {
            Role::Client => raw_client(server(), 4096).await,
            Role::Server => raw_server(client(), 4096).await,
        };
        let start = Instant::now();
        let gone = tokio::spawn(async move { (ws.recv().await, ws.close_story(), Instant::now()) });
        let ping = peer.next().await.unwrap();
        let at = start.elapsed().as_secs_f64();
        assert!(
            ping.opcode == 9 && (20.0..20.3).contains(&at),
            "{ping} at {at}"
        );
        let (outcome, story, end) = gone.await.unwrap();
        assert!(
            matches!(outcome, Err(Error::Timeout(Timeout::Pong))),
            "{outcome:?}"
        );
        let at = (end - start).as_secs_f64();
        assert!((40.0..40.5).contains(&at), "{at}");
        assert!(story.unwrap().received.is_none());
        peer.expect_close(1001).await;
        peer.expect_end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn any_byte_is_a_sign_of_life() {
    let (mut peer, mut ws) = raw_client(server(), 4096).await;
    let receiving = tokio::spawn(async move { ws.recv().await });
    // One frame, a byte every 15 s: never a whole frame, never a Pong, never silent.
    let frame = RawFrame::text("slow but alive").bytes(Role::Client);
    for byte in frame {
        peer.io.write_all(&[byte]).await.unwrap();
        sleep(15 * SECOND).await;
    }
    assert_eq!(
        receiving.await.unwrap().unwrap(),
        Some(Message::text("slow but alive"))
    );
}

#[tokio::test(start_paused = true)]
async fn two_idle_ends_stay_connected_for_a_day() {
    let (mut client, mut server) = pair().await;
    let serving = tokio::spawn(async move { server.recv().await });
    let day = tokio::time::timeout(24 * 3600 * SECOND, client.recv()).await;
    assert!(day.is_err(), "{day:?}");
    client.send("good morning").await.unwrap();
    assert_eq!(
        serving.await.unwrap().unwrap(),
        Some(Message::text("good morning"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_only_slow_to_read_is_not_closed() {
    let (mut peer, ws) = raw_client(server(), 4096).await;
    let sending = tokio::spawn(async move {
        for _ in 0..4 {
            ws.send(vec![7; 60_000]).await?;
        }
        ws.flush().await?;
        Ok::<_, Error>(ws)
    });
    // 1 KiB every 10 s, and not a byte from here, for 40 minutes.
    let mut taken = 0;
    while taken < 4 * 60_000 {
        sleep(10 * SECOND).await;
        let mut chunk = [0; 1024];
        let count = peer.io.read(&mut chunk).await.unwrap();
        assert!(count > 0, "closed after {taken} bytes");
        taken += count;
    }
    assert!(sending.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_peer_is_not_silent_because_nobody_listens() {
    // The handler works for minutes with one message; the peer answers every Ping meanwhile (and
    // sends none: nobody here would answer it).
    let client = client().config(no_keepalive());
    let (mut client, mut server) = pair_of(client, server(), 4096).await;
    client.send("work").await.unwrap();
    client.send("more work").await.unwrap();
    tokio::spawn(async move { while let Ok(Some(_)) = client.recv().await {} });
    for expected in ["work", "more work"] {
        assert_eq!(server.recv().await.unwrap(), Some(Message::text(expected)));
        sleep(300 * SECOND).await;
        server.send("done").await.unwrap();
    }
    assert!(
        tokio::time::timeout(60 * SECOND, server.recv())
            .await
            .is_err(),
        "still open"
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_vanished_is_given_up_even_if_nobody_receives() {
    let (peer, ws) = raw_client(server(), 4096).await;
    sleep(45 * SECOND).await;
    let outcome = ws.send("anyone?").await;
    assert!(
        matches!(outcome, Err(Error::Timeout(Timeout::Pong))),
        "{outcome:?}"
    );
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn many_pings_fall_due_at_once() {
    // More connections than tokio lets one task serve in one go.
    let mut pairs = Vec::new();
    for _ in 0..300 {
        pairs.push(raw_client(server(), 512).await);
    }
    sleep(21 * SECOND).await;
    for (peer, _) in &mut pairs {
        assert_eq!(peer.next().await.unwrap().opcode, 9);
    }
}
