//! Many clients, and the end of a server.

use crate::example::Example;
use crate::text;
use std::time::Duration;
use tidewire::{Client, ConnectError, Error, Message};

#[tokio::test]
async fn a_broadcast_reaches_every_member() {
    let server = Example::start("broadcast", &["127.0.0.1:0"]).await;
    let mut members = Vec::new();
    for _ in 0..3 {
        let mut member = tidewire::connect(&server.url).await.unwrap();
        // A member is one when it hears itself.
        member.send("here").await.unwrap();
        assert_eq!(text(&mut member).await, "here");
        members.push(member);
    }
    members[0].send("to all").await.unwrap();
    for (joined, member) in members.iter_mut().enumerate() {
        for _ in joined + 1..3 {
            assert_eq!(text(member).await, "here");
        }
        assert_eq!(text(member).await, "to all");
    }
}

#[tokio::test]
async fn a_player_moves_between_ticks() {
    let server = Example::start("game_loop", &["127.0.0.1:0"]).await;
    let mut player = tidewire::connect(&server.url).await.unwrap();
    player.send("right").await.unwrap();
    let moved = async {
        loop {
            match player.recv().await.unwrap() {
                Some(Message::Text(state)) if state.contains(":3") => break,
                Some(_) => {}
                None => panic!("the game ended"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), moved)
        .await
        .unwrap();
    player
        .send("a word that is longer than the sixty-four bytes that a player may send")
        .await
        .unwrap();
    let end = loop {
        match player.recv().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it closed as if nothing had happened"),
            Err(error) => break error,
        }
    };
    assert!(matches!(end, Error::Closed(_)), "{end}");
}

#[tokio::test]
async fn a_chat_has_rooms_that_hear_who_comes_speaks_and_leaves() {
    let server = Example::start("axum_chat", &["127.0.0.1:0"]).await;
    let address = server.url.strip_prefix("http://").unwrap();
    let enter = async |path: &str| tidewire::connect(format!("ws://{address}/rooms/{path}")).await;

    let mut ann = enter("blue/ann").await.unwrap();
    assert_eq!(text(&mut ann).await, "ann joined");
    let mut eve = enter("red/eve").await.unwrap();
    assert_eq!(text(&mut eve).await, "eve joined");
    let mut bob = enter("blue/bob").await.unwrap();
    for visitor in [&mut ann, &mut bob] {
        assert_eq!(text(visitor).await, "bob joined");
    }
    ann.send("hello <b>all</b>").await.unwrap();
    for visitor in [&mut ann, &mut bob] {
        assert_eq!(text(visitor).await, "ann: hello <b>all</b>");
    }
    bob.close(1000, "").await.unwrap();
    assert_eq!(text(&mut ann).await, "bob left");

    // Nothing of it was heard in the other room.
    eve.send("anyone?").await.unwrap();
    assert_eq!(text(&mut eve).await, "eve: anyone?");

    // Who goes too far goes alone.
    eve.send("x".repeat(5000)).await.unwrap();
    let Err(Error::Closed(story)) = eve.recv().await else {
        panic!("a line that is too long was taken");
    };
    assert!(story.to_string().contains("1009"), "{story}");
    let Err(ConnectError::Refused(answer)) = enter(&format!("blue/{}", "x".repeat(65))).await
    else {
        panic!("a name that is too long was taken");
    };
    assert_eq!(answer.status(), 400);
    ann.send("still here").await.unwrap();
    assert_eq!(text(&mut ann).await, "ann: still here");
}

#[tokio::test]
async fn a_chat_room_is_full_at_some_point_and_empties_again() {
    let server = Example::start("axum_chat", &["127.0.0.1:0"]).await;
    let room = server.url.replace("http://", "ws://") + "/rooms/small/";
    let mut visitors = Vec::new();
    for number in 0..100 {
        visitors.push(tidewire::connect(format!("{room}{number}")).await.unwrap());
        // Until it has joined, and is counted.
        assert_eq!(
            text(visitors.last_mut().unwrap()).await,
            format!("{number} joined")
        );
    }
    let mut late = tidewire::connect(format!("{room}late")).await.unwrap();
    let Err(Error::Closed(story)) = late.recv().await else {
        panic!("the room has no end");
    };
    assert!(story.to_string().contains("the room is full"), "{story}");
    visitors.pop().unwrap().close(1000, "").await.unwrap();
    while text(&mut visitors[0]).await != "99 left" {}
    let mut late = tidewire::connect(format!("{room}late")).await.unwrap();
    assert_eq!(text(&mut late).await, "late joined");
}

#[tokio::test]
async fn a_chat_has_a_page_and_takes_no_other_sites_visitors() {
    let server = Example::start("axum_chat", &["127.0.0.1:0"]).await;
    let url = server.url.replace("http://", "ws://");
    // A client that is no browser reads the page as the refusal of its handshake.
    let Err(ConnectError::Refused(page)) = tidewire::connect(&url).await else {
        panic!("the page is a WebSocket");
    };
    assert_eq!(page.status(), 200);
    let html = String::from_utf8_lossy(page.body());
    assert!(
        html.contains("new WebSocket(url)") && !html.contains("innerHTML"),
        "{html}"
    );

    let room = format!("{url}/rooms/blue/ann");
    let from = |origin: &str| Client::new(&room).origin(origin).connect();
    let Err(ConnectError::Refused(answer)) = from("http://elsewhere.example").await else {
        panic!("another site's page was let in");
    };
    assert_eq!(answer.status(), 403);
    from(&server.url).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_server_that_is_told_to_stop_sends_everybody_home() {
    for (signal, said) in [
        ("-TERM", "told to stop: stopping"),
        ("-INT", "interrupted: stopping"),
    ] {
        let mut server = Example::start("graceful_shutdown", &["127.0.0.1:0"]).await;
        let mut clients = Vec::new();
        for _ in 0..3 {
            let mut client = tidewire::connect(&server.url).await.unwrap();
            client.send("hello").await.unwrap();
            assert_eq!(text(&mut client).await, "hello");
            clients.push(tokio::spawn(async move { client.recv().await }));
        }
        server.signal(signal).await;
        assert_eq!(server.line().await, said);
        assert_eq!(server.line().await, "3 left, 0 remained and were cut");
        assert!(server.end().await.success());
        for client in clients {
            let Err(Error::Closed(story)) = client.await.unwrap() else {
                panic!("it was not told why");
            };
            let story = story.to_string();
            let told = story.contains("1012") && story.contains("a new version");
            assert!(told, "{story}");
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_server_that_has_just_begun_is_told_to_stop_and_does_it_in_order() {
    let mut server = Example::start("graceful_shutdown", &["127.0.0.1:0"]).await;
    server.signal("-TERM").await;
    assert_eq!(server.line().await, "told to stop: stopping");
    assert_eq!(server.line().await, "0 left, 0 remained and were cut");
    assert!(server.end().await.success());
}
