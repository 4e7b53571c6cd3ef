//! Messages, fragments, Ping and Pong, compression and subprotocols over an open connection.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::time::Duration;
use tidewire::test_util::{Network, Way};
use tidewire::{Client, DeflateConfig, Event, Message};
use tidewire_testkit::{Random, RawFrame};

#[tokio::test(start_paused = true)]
async fn messages_of_every_kind_and_size_come_back_from_an_echo() {
    for deflate in [None, Some(DeflateConfig::default())] {
        let client = client().deflate(deflate.clone());
        let server = server().deflate(deflate);
        let (mut client, mut server) = pair_of(client, server, 64 * 1024).await;
        let echo = tokio::spawn(async move {
            while let Some(message) = server.recv().await.unwrap() {
                server.send(message).await.unwrap();
            }
        });
        let mut random = Random::new(7);
        let messages = [
            Message::text("hello, wörld"),
            Message::text(""),
            Message::binary(Vec::new()),
            Message::binary(random.bytes(125)),
            Message::binary(random.bytes(126)),
            Message::binary(random.bytes(65_536)),
            Message::binary(random.bytes(1 << 20)),
            Message::text("tide ".repeat(1 << 18)),
        ];
        for message in &messages {
            client.send(message.clone()).await.unwrap();
            assert_eq!(client.recv().await.unwrap().as_ref(), Some(message));
        }
        assert!(client.close(1000, "").await.unwrap().is_clean());
        echo.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_echo_in_place_gives_back_the_same_bytes() {
    for deflate in [None, Some(DeflateConfig::default())] {
        let client = client().deflate(deflate.clone());
        let (client, mut server) = pair_of(client, server().deflate(deflate), 4096).await;
        let echo = tokio::spawn(async move {
            server
                .for_each(|event, link| link.echo(event).unwrap())
                .await
                .unwrap()
        });
        let mut random = Random::new(3);
        let sizes = [
            0,
            1,
            125,
            126,
            4096,
            4097,
            65_535,
            65_536,
            200_000,
            1 << 20,
            5,
        ];
        let messages: Vec<_> = sizes
            .iter()
            .map(|&size| Message::binary(random.bytes(size)))
            .collect();
        let (sender, mut receiver) = client.split();
        let send = async {
            for message in &messages {
                sender.send(message.clone()).await.unwrap();
            }
        };
        let receive = async {
            for message in &messages {
                let got = receiver.recv().await.unwrap().unwrap();
                assert!(got == *message, "{} of {} bytes", got.len(), message.len());
            }
        };
        tokio::join!(send, receive);
        sender.begin_close(1001, "done").unwrap();
        assert_eq!(receiver.recv().await.unwrap(), None);
        let story = echo.await.unwrap();
        assert_eq!(story.received.unwrap().reason, "done");
    }
}

#[tokio::test(start_paused = true)]
async fn fragments_are_one_message_and_pings_between_them_are_answered_at_once() {
    let (mut peer, mut ws) = raw_client(server(), 4096).await;
    peer.send_all(&[
        RawFrame::text("He").more(),
        RawFrame::ping("now"),
        RawFrame::continuation("").more(),
        RawFrame::continuation("llo"),
        RawFrame::binary([1]).more(),
        RawFrame::continuation([2]),
    ])
    .await;
    assert_eq!(ws.recv().await.unwrap(), Some(Message::text("Hello")));
    peer.expect("PONG \"now\" [3 bytes]").await;
    assert_eq!(ws.recv().await.unwrap(), Some(Message::binary(vec![1, 2])));
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_and_a_pong_is_seen_by_a_visitor() {
    let (mut client, mut server) = pair().await;
    tokio::spawn(async move { while let Ok(Some(_)) = server.recv().await {} });
    client.ping(b"are you there").unwrap();
    let mut pong = None;
    let seen = std::future::poll_fn(|cx| {
        client.poll_receive(cx, |event, _| match event {
            Event::Pong(payload) => {
                pong = Some(payload.to_vec());
                std::ops::ControlFlow::Break(())
            }
            _ => std::ops::ControlFlow::Continue(()),
        })
    });
    seen.await.unwrap();
    assert_eq!(pong.unwrap(), b"are you there");
    assert!(matches!(
        client.ping(&[0; 126]),
        Err(tidewire::Error::Misuse(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn compression_is_agreed_by_default_and_used() {
    let (mut client, server, control) = Network::new().pair().await;
    assert_eq!(client.deflate(), server.deflate());
    assert!(client.deflate().is_some());
    let before = control.arrived(Way::Down);
    let text = "tide and wire ".repeat(1000);
    server.send(text.as_str()).await.unwrap();
    assert_eq!(
        client.recv().await.unwrap(),
        Some(Message::text(text.as_str()))
    );
    let taken = control.arrived(Way::Down) - before;
    assert!(
        taken < text.len() as u64 / 20,
        "{taken} bytes on the wire for {}",
        text.len()
    );
}

#[tokio::test(start_paused = true)]
async fn compression_that_one_side_does_not_want_is_not_used() {
    for (theirs, ours) in [(true, false), (false, true), (false, false)] {
        let wish = |yes: bool| yes.then(DeflateConfig::default);
        let (client, server) = (client().deflate(wish(theirs)), server().deflate(wish(ours)));
        let (client, server) = pair_of(client, server, 4096).await;
        assert_eq!((client.deflate(), server.deflate()), (None, None));
    }
}

#[tokio::test(start_paused = true)]
async fn subprotocols_are_agreed_by_the_servers_preference() {
    let cases = [
        (vec!["a", "b"], server().subprotocols(["b", "a"]), Some("b")),
        (
            vec!["a", "b"],
            server().first_offered_subprotocol(),
            Some("a"),
        ),
        (vec!["x"], server().subprotocols(["b"]), None),
        (vec![], server().subprotocols(["b"]), None),
    ];
    for (offered, server, expected) in cases {
        let client = offered
            .iter()
            .fold(client(), |client, name| client.subprotocol(name));
        let (client, server) = pair_of(client, server, 4096).await;
        assert_eq!(client.subprotocol().as_deref(), expected);
        assert_eq!(server.subprotocol().as_deref(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn the_target_is_kept_when_asked_for() {
    for keep in [false, true] {
        let client = Client::new("ws://localhost/room/7?token=x");
        let (_client, server) = pair_of(client, server().keep_target(keep), 4096).await;
        let target = server.target().map(|target| target.to_string());
        assert_eq!(target.as_deref(), keep.then_some("/room/7?token=x"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_round_trip_time_of_keepalive_is_measured() {
    let server = server().config(no_keepalive());
    let (mut client, mut server) = pair_of(client(), server, 4096).await;
    tokio::spawn(async move { while let Ok(Some(_)) = server.recv().await {} });
    assert_eq!(client.rtt(), None);
    let _ = tokio::time::timeout(Duration::from_secs(30), client.recv()).await;
    assert!(client.rtt().is_some());
}
