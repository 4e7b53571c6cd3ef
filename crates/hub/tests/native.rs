//! The native protocol over `/ws`, on a real port.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;

#[tokio::test]
async fn a_guest_subscribes_publishes_leaves_and_recovers_what_it_missed() {
    let hub = start(in_memory()).await;
    let mut ann = hub.open("/ws?name=Ann").await;
    let hello = json(&mut ann).await;
    assert_eq!(hello["op"], "hello");
    assert_eq!(hello["protocol"], "tidewire.v1");
    let subscribed = ask(&mut ann, r#"{"op":"subscribe","id":1,"channel":"lobby"}"#).await;
    assert_eq!(subscribed["op"], "ok");
    assert_eq!(subscribed["channel"], "chat:lobby");
    let publish = r#"{"op":"publish","id":2,"channel":"lobby","data":{"n":1},"key":"a-1"}"#;
    let first = ask(&mut ann, publish).await;
    let again = ask(&mut ann, &publish.replace("\"id\":2", "\"id\":3")).await;
    assert_eq!(
        first["pos"], again["pos"],
        "the same key is the same record"
    );
    ann.close(1000, "").await.unwrap();

    let mut bob = hub.open("/c/lobby").await;
    for number in 2..=300 {
        bob.send(format!("m{number}")).await.unwrap();
    }
    bob.close(1000, "").await.unwrap();

    let mut ann = hub.open("/ws").await;
    let since = first["pos"].as_str().unwrap();
    // 100 records are kept: what is missing is more.
    let subscribe = format!(r#"{{"op":"subscribe","id":1,"channel":"lobby","since":"{since}"}}"#);
    let lost = ask(&mut ann, &subscribe).await;
    assert_eq!(lost["recovered"], false);
    let page = ask(
        &mut ann,
        r#"{"op":"history","id":2,"channel":"lobby","limit":60}"#,
    )
    .await;
    let since = page["messages"][0]["pos"].as_str().unwrap();
    let mut carl = hub.open("/ws").await;
    let subscribe = format!(r#"{{"op":"subscribe","id":"x","channel":"lobby","since":"{since}"}}"#);
    let found = ask(&mut carl, &subscribe).await;
    assert_eq!(found["recovered"], true);
    for number in 242..=300 {
        let message = json(&mut carl).await;
        assert_eq!(message["op"], "message");
        assert_eq!(message["text"], format!("m{number}"));
    }
    assert_eq!(json(&mut carl).await["op"], "live");
}

#[tokio::test]
async fn what_is_no_command_is_answered_and_too_much_of_it_ends_the_session() {
    let mut config = in_memory();
    config.settings.limits.bad_commands = 3;
    let hub = start(config).await;
    let mut ws = hub.open("/ws").await;
    json(&mut ws).await;
    for bad in ["", "{", "[]"] {
        ws.send(bad).await.unwrap();
        let error = json(&mut ws).await;
        assert_eq!(error["op"], "error");
        assert_eq!(error["code"], "bad_request");
    }
    assert_eq!(ask(&mut ws, r#"{"op":"ping","id":9}"#).await["op"], "pong");
    ws.send(vec![1, 2, 3]).await.unwrap();
    assert_eq!(json(&mut ws).await["op"], "error");
    assert_eq!(json(&mut ws).await["op"], "bye");
    let tidewire::Error::Closed(story) = ws.recv().await.unwrap_err() else {
        panic!("closed by the hub");
    };
    assert_eq!(story.received.unwrap().code.0, 4500);
}

#[tokio::test]
async fn many_commands_in_flight_are_all_answered_in_a_batch_and_beyond_the_limit() {
    let hub = start(in_memory()).await;
    let mut ws = hub.open("/ws").await;
    json(&mut ws).await;
    let publish = |id: usize| {
        format!(r#"{{"op":"publish","id":{id},"channel":"live:x","text":"{id}","echo":false}}"#)
    };
    let batch: Vec<_> = (0..100).map(publish).collect();
    ws.send(format!("[{}]", batch.join(","))).await.unwrap();
    for id in 100..1000 {
        ws.feed(publish(id)).await.unwrap();
    }
    ws.flush().await.unwrap();
    let mut answered = Vec::new();
    while answered.len() < 1000 {
        let ok = json(&mut ws).await;
        assert_eq!(ok["op"], "ok", "{ok}");
        answered.push(ok["id"].as_u64().unwrap());
    }
    answered.sort_unstable();
    assert!(answered.into_iter().eq(0..1000));
}

/// Whoever asks for it gets bytes as bytes; everybody else as base64.
#[tokio::test]
async fn bytes_come_as_binary_messages_to_who_asks_in_auth() {
    let hub = start(in_memory()).await;
    let mut raw = hub.open("/ws").await;
    let mut text = hub.open("/ws").await;
    let auth = ask(&mut raw, r#"{"op":"auth","id":1,"binary":true,"name":"R"}"#).await;
    assert_eq!(auth["from"]["name"], "R");
    for ws in [&mut raw, &mut text] {
        ask(ws, r#"{"op":"subscribe","id":2,"channel":"live:x"}"#).await;
    }
    let plain = hub.open("/c/live:x").await;
    plain.send(vec![0, 1, 255]).await.unwrap();
    let bytes = raw.recv().await.unwrap().unwrap();
    let (length, rest) = bytes.as_bytes().split_at(4);
    let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&rest[..length]).unwrap();
    assert_eq!(header["op"], "message");
    assert_eq!(rest[length..], [0, 1, 255]);
    assert_eq!(json(&mut text).await["base64"], "AAH/");
}

#[tokio::test]
async fn a_durable_publish_is_there_after_a_restart_and_the_guest_is_who_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let hub = start(on_disk(folder.path())).await;
    let mut ann = hub.open("/ws").await;
    let client = json(&mut ann).await["client"].as_str().unwrap().to_owned();
    let publish = r#"{"op":"publish","id":1,"channel":"lobby","text":"kept","key":"k"}"#;
    let ok = ask(&mut ann, publish).await;
    assert_eq!(ok["op"], "ok", "{ok}");
    hub.stop().await;

    let hub = start(on_disk(folder.path())).await;
    let mut plain = hub.open("/chat/lobby?history=5").await;
    assert_eq!(text(&mut plain).await, "kept");
    let mut ann = hub.open(&format!("/ws?client={client}")).await;
    assert_eq!(json(&mut ann).await["client"], client);
    let again = ask(&mut ann, publish).await;
    assert_eq!(again["pos"], ok["pos"], "the key holds across the restart");
    hub.stop().await;
}

#[tokio::test]
async fn a_shutdown_says_goodbye_and_when_to_come_back() {
    let hub = start(in_memory()).await;
    let mut native = hub.open("/ws").await;
    json(&mut native).await;
    let mut plain = hub.open("/chat/lobby").await;
    let mut echo = hub.open("/echo").await;
    let listener = hub.hub.addrs()[0];
    let stopping = tokio::spawn(hub.stop());
    let bye = json(&mut native).await;
    assert_eq!((&bye["op"], &bye["code"]), (&"bye".into(), &4001.into()));
    assert!(
        bye["retry_after_ms"]
            .as_u64()
            .is_some_and(|wait| wait >= 500)
    );
    for (ws, code) in [(&mut native, 4001), (&mut plain, 4001)] {
        let tidewire::Error::Closed(story) = ws.recv().await.unwrap_err() else {
            panic!("closed by the hub");
        };
        assert_eq!(story.received.unwrap().code.0, code);
    }
    assert_eq!(echo.recv().await.unwrap(), None, "1001");
    stopping.await.unwrap();
    assert!(tokio::net::TcpStream::connect(listener).await.is_err());
}

#[tokio::test]
async fn an_unusable_port_or_folder_is_one_sentence() {
    let hub = start(in_memory()).await;
    let mut config = in_memory();
    config.listen = vec![hub.hub.addrs()[0].to_string()];
    let told = |config| async {
        tidewire_hub::Hub::start(config, |_| {})
            .await
            .unwrap_err()
            .to_string()
    };
    assert!(told(config).await.contains("in use"));
    let mut config = in_memory();
    config.listen = vec!["nowhere".into()];
    assert!(told(config).await.contains("HOST:PORT"));
    let mut config = in_memory();
    config.listen = vec!["0.0.0.0:0".into()];
    assert!(told(config).await.contains("--allow-anonymous"));
    let folder = tempfile::tempdir().unwrap();
    let first = start(on_disk(folder.path())).await;
    assert!(
        told(on_disk(folder.path()))
            .await
            .contains("in use by another process")
    );
    drop(first);
}
