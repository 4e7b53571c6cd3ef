//! Plain channels and echoes, over a real port.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use tidewire::{Client, Message};

#[tokio::test]
async fn an_upgrade_on_the_root_or_echo_comes_back_whatever_its_origin() {
    let hub = start(in_memory()).await;
    for path in ["/", "/echo"] {
        let client = Client::new(hub.url(path)).header("Origin", "https://elsewhere.example");
        let mut ws = client.connect().await.unwrap();
        ws.send("hello").await.unwrap();
        assert_eq!(text(&mut ws).await, "hello");
        ws.send(vec![0, 255]).await.unwrap();
        let back = ws.recv().await.unwrap().unwrap();
        assert_eq!(back.as_bytes(), [0, 255]);
        ws.close(1000, "").await.unwrap();
    }
    assert!(hub.get("/").await.starts_with("HTTP/1.1 200"));
    assert!(hub.get("/echo").await.starts_with("HTTP/1.1 426"));
}

/// Whatever path a client came by, it hears the others of `chat:lobby` and not itself.
#[tokio::test]
async fn clients_of_every_url_form_share_a_channel() {
    let hub = start(in_memory()).await;
    let paths = [
        "/c/lobby?history=9",
        "/chat/lobby",
        "/c/chat%3Alobby",
        "/wss/v2/lobby/some-key/",
        "/wss/v2/lobby/some-key",
        "/v3/lobby?api_key=some-key",
    ];
    let mut clients = Vec::new();
    for path in paths {
        clients.push(hub.open(path).await);
    }
    let mut ears = hub.open("/c/lobby?echo=1&history=20").await;
    for at in 0..clients.len() {
        let said = format!("from {}", paths[at]);
        clients[at].send(said.as_str()).await.unwrap();
        assert_eq!(text(&mut ears).await, said);
    }
    for (at, client) in clients.iter_mut().enumerate() {
        for path in paths.iter().filter(|path| **path != paths[at]) {
            assert_eq!(text(client).await, format!("from {path}"));
        }
    }
}

#[tokio::test]
async fn echo_history_and_hello_are_asked_for_in_the_url() {
    let hub = start(in_memory()).await;
    let mut ann = hub.open("/chat/lobby?echo=1&hello=1&name=Ann").await;
    let hello = json(&mut ann).await;
    assert_eq!(hello["op"], "hello");
    assert!(hello["session"].as_str().is_some_and(|id| id.len() == 16));
    let client = hello["client"].as_str().unwrap().to_owned();
    for number in 0..5 {
        ann.send(format!("m{number}")).await.unwrap();
        assert_eq!(text(&mut ann).await, format!("m{number}"));
    }
    ann.send(vec![7, 0, 255]).await.unwrap();
    assert_eq!(
        ann.recv().await.unwrap(),
        Some(Message::from(vec![7, 0, 255]))
    );

    let mut bob = hub.open("/chat/lobby?history=3").await;
    assert_eq!(text(&mut bob).await, "m3");
    assert_eq!(text(&mut bob).await, "m4");
    assert_eq!(
        bob.recv().await.unwrap(),
        Some(Message::from(vec![7, 0, 255]))
    );

    let mut again = hub
        .open(&format!("/chat/lobby?hello=1&client={client}"))
        .await;
    assert_eq!(
        json(&mut again).await["client"],
        client,
        "a guest keeps its id"
    );
    let mut notified = hub.open("/v3/other?api_key=x&notify_self").await;
    notified.send("mine").await.unwrap();
    assert_eq!(text(&mut notified).await, "mine");
}

#[tokio::test]
async fn presence_events_come_to_who_asks_for_them() {
    let hub = start(in_memory()).await;
    let mut ann = hub.open("/v3/lobby?api_key=x&presence=1&name=Ann").await;
    let mut seen = Vec::new();
    while seen
        .last()
        .is_none_or(|event: &String| !event.contains("member_list"))
    {
        seen.push(text(&mut ann).await);
    }
    let bob = hub.open("/v3/lobby?api_key=x&name=Bob").await;
    loop {
        let event = json(&mut ann).await;
        if event["event"] == "system:member_joined" && event["data"].to_string().contains("Bob") {
            break;
        }
    }
    bob.send("hi").await.unwrap();
    assert_eq!(text(&mut ann).await, "hi");
}

#[tokio::test]
async fn the_first_subprotocol_offered_is_chosen_and_ours_is_preferred_where_it_is_spoken() {
    let hub = start(in_memory()).await;
    for (path, offered, chosen) in [
        ("/chat/lobby", &["chat", "superchat"][..], Some("chat")),
        ("/echo", &["chat", "superchat"], Some("chat")),
        ("/ws", &["chat", "tidewire.v1"], Some("tidewire.v1")),
        ("/ws", &["chat", "superchat"], Some("chat")),
        ("/c/lobby", &["chat", "tidewire.v1"], Some("chat")),
        ("/ws", &[], None),
    ] {
        let client = Client::new(hub.url(path));
        let client = offered.iter().fold(client, Client::subprotocol);
        let ws = client.connect().await.unwrap();
        assert_eq!(ws.subprotocol().as_deref(), chosen, "{path} {offered:?}");
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_published_is_told_by_the_close() {
    let mut config = in_memory();
    let chat = config.settings.namespaces.get_mut("chat").unwrap();
    chat.max_message = 1000;
    chat.publish = tidewire_hub_core::Access::Nobody;
    let hub = start(config).await;
    for (said, code) in [("no".to_owned(), 4501), ("x".repeat(1001), 1009)] {
        let mut ws = hub.open("/chat/lobby").await;
        ws.send(said).await.unwrap();
        let error = ws.recv().await.unwrap_err();
        let tidewire::Error::Closed(story) = error else {
            panic!("{error}");
        };
        assert_eq!(story.received.unwrap().code.0, code);
    }
}
