//! What clients of every kind see of what clients of every kind publish: one table, pair by pair.
#![allow(clippy::unwrap_used)]

mod common;
use common::stream::Events;
use common::*;
use serde_json::{Value, json};
use std::time::Duration;
use tidewire::{Message, WebSocket};
use tokio::time::timeout;

/// Who publishes, as a command; a frame of a plain client starts with its kind.
const NATIVE: [&str; 2] = ["/ws", "/uplink"];

/// What is published, and what of it a plain client gets, and a native one finds in the message.
fn table() -> Vec<(&'static str, Value, Message, Value)> {
    vec![
        // What, as a native client publishes it; a plain client's frame; what a native one reads.
        (
            "data",
            json!({"data": {"n": 1}}),
            Message::text(r#"{"n":1}"#),
            json!({"data": {"n": 1}}),
        ),
        (
            "text",
            json!({"text": "hé"}),
            Message::text("hé"),
            json!({"text": "hé"}),
        ),
        (
            "base64",
            json!({"base64": "AP8="}),
            Message::binary(vec![0, 255]),
            json!({"base64": "AP8="}),
        ),
    ]
}

/// One client of each kind, all in the same channel.
struct Everybody {
    plain: WebSocket,
    native: WebSocket,
    binary: WebSocket,
    events: Events,
    cursor: String,
}

impl Everybody {
    async fn listen(hub: &Running) -> Self {
        let plain = hub.open("/c/lobby").await;
        let mut native = hub.open("/ws").await;
        let mut binary = hub.open("/ws").await;
        ask(&mut binary, r#"{"op":"auth","id":0,"binary":true}"#).await;
        for ws in [&mut native, &mut binary] {
            ask(ws, r#"{"op":"subscribe","id":1,"channel":"lobby"}"#).await;
        }
        let mut events = hub.events("channel=lobby", None).await;
        events.until("ok").await;
        let answer = hub.get("/poll?channel=lobby").await;
        let cursor = body(&answer)["cursor"].as_str().unwrap().to_owned();
        // The plain client's subscription has no answer: its own presence in the channel shows it.
        let mut probe = hub.open("/ws").await;
        while ask(&mut probe, r#"{"op":"presence","id":1,"channel":"lobby"}"#).await["total"] != 5 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Self {
            plain,
            native,
            binary,
            events,
            cursor,
        }
    }

    /// Everybody hears it as the table says.
    async fn hear(&mut self, hub: &Running, what: &str, frame: &Message, fields: &Value) {
        let heard = timeout(PATIENCE, self.plain.recv()).await.unwrap().unwrap();
        assert_eq!(heard.as_ref(), Some(frame), "plain hears {what}");
        let has = |message: &Value, who: &str| {
            assert_eq!(message["op"], "message", "{who} hears {what}");
            for kind in ["data", "text", "base64"] {
                assert_eq!(
                    message.get(kind),
                    fields.get(kind),
                    "{who} hears {what}: {message}"
                );
            }
        };
        has(&json(&mut self.native).await, "native");
        has(&self.events.next().await, "an event stream");
        let cursor = &self.cursor;
        let answer = hub
            .get(&format!("/poll?channel=lobby&since={cursor}"))
            .await;
        let answer = body(&answer);
        let mut messages = answer["messages"].as_array().unwrap().iter();
        has(
            messages.find(|message| message["op"] == "message").unwrap(),
            "a poll",
        );
        self.cursor = answer["cursor"].as_str().unwrap().to_owned();

        let heard = timeout(PATIENCE, self.binary.recv())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        if let Message::Binary(bytes) = &heard {
            let (length, rest) = bytes.split_first_chunk::<4>().unwrap();
            let (header, payload) = rest.split_at(u32::from_be_bytes(*length) as usize);
            let header: Value = serde_json::from_slice(header).unwrap();
            assert_eq!(
                (&header["op"], header.get("base64")),
                (&json!("message"), None)
            );
            assert_eq!(Message::binary(payload.to_vec()), *frame);
        } else {
            let message: Value = serde_json::from_str(heard.as_text().unwrap()).unwrap();
            has(&message, "native that takes binary frames");
            assert!(
                fields.get("base64").is_none(),
                "bytes come as bytes to who asked for that"
            );
        }
    }
}

fn body(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn everybody_sees_of_everybody_what_the_table_says() {
    let hub = start(in_memory()).await;
    let mut everybody = Everybody::listen(&hub).await;
    for (what, fields, frame, seen) in table() {
        for door in NATIVE {
            let mut command = json!({"op": "publish", "id": 7, "channel": "lobby"});
            command
                .as_object_mut()
                .unwrap()
                .extend(fields.as_object().unwrap().clone());
            if door == "/ws" {
                let mut publisher = hub.open(door).await;
                assert_eq!(ask(&mut publisher, &command.to_string()).await["op"], "ok");
            } else {
                let command = command.to_string();
                let length = command.len();
                let request = format!(
                    "POST {door} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{command}"
                );
                assert_eq!(body(&hub.raw(&request).await)["op"], "ok");
            }
            everybody
                .hear(&hub, &format!("{what} over {door}"), &frame, &seen)
                .await;
        }
    }
    // A plain client has text and bytes; what it sends is passed on as it is, JSON or not.
    let frames = [
        (Message::text(r#"{"n":1}"#), json!({"text": "{\"n\":1}"})),
        (Message::text("hé"), json!({"text": "hé"})),
        (Message::binary(vec![0, 255]), json!({"base64": "AP8="})),
        (Message::text(""), json!({"text": ""})),
    ];
    for (frame, seen) in frames {
        let publisher = hub.open("/c/lobby").await;
        publisher.send(frame.clone()).await.unwrap();
        everybody.hear(&hub, "a plain frame", &frame, &seen).await;
    }
}

/// What a development server promises of pictures: several of the largest, to who is there and to who comes later.
#[tokio::test]
async fn the_largest_pictures_arrive_and_can_be_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = tidewire_hub::Config::development();
    config.listen = vec!["127.0.0.1:0".into()];
    config.data = folder.path().to_owned();
    let size = config.settings.namespaces["chat"].max_message;
    assert_eq!(size, 256 * 1024);
    let hub = start(config).await;
    let mut reader = hub.open("/ws").await;
    ask(
        &mut reader,
        r#"{"op":"subscribe","id":1,"channel":"pictures"}"#,
    )
    .await;
    let picture = "AAAA".repeat(size / 3);
    let mut writer = hub.open("/ws").await;
    let mut first = None;
    for number in 0..10 {
        let publish =
            json!({"op": "publish", "id": number, "channel": "pictures", "base64": picture});
        let said = ask(&mut writer, &publish.to_string()).await;
        assert_eq!(said["op"], "ok", "{number}: {said}");
        first.get_or_insert_with(|| said["pos"].clone());
        // More than an outbox waits in all; each of them fits.
        let heard = json(&mut reader).await;
        assert_eq!(
            heard["base64"].as_str().map(str::len),
            Some(picture.len()),
            "{number}"
        );
    }
    let larger = json!({"op": "publish", "id": 10, "channel": "pictures", "base64": "AAAA".repeat(size / 3 + 1)});
    let said = ask(&mut writer, &larger.to_string()).await;
    assert_eq!(said["code"], "too_large", "{said}");
    // A page of history holds what fits a page, at least one; the next begins behind it.
    let mut before = None;
    let mut seen = 0;
    loop {
        let mut history = json!({"op": "history", "id": 20, "channel": "pictures", "limit": 50});
        if let Some(before) = &before {
            history["before"] = json!(before);
        }
        let page = ask(&mut writer, &history.to_string()).await;
        let messages = page["messages"].as_array().unwrap();
        seen += messages.len();
        if page["more"] == false {
            break;
        }
        assert!(!messages.is_empty(), "{page}");
        let oldest = messages
            .iter()
            .map(|message| message["pos"].as_str().unwrap());
        before = oldest
            .min_by_key(|pos| pos.rsplit('-').next().unwrap().parse::<u64>().unwrap())
            .map(str::to_owned);
    }
    assert_eq!(seen, 10);
    // Who comes back gets all that was missed, page by page.
    let mut late = hub.open("/ws").await;
    let subscribe = json!({"op": "subscribe", "id": 1, "channel": "pictures", "since": first});
    late.send(subscribe.to_string()).await.unwrap();
    let mut got = 0;
    loop {
        let heard = json(&mut late).await;
        match heard["op"].as_str() {
            Some("message") => got += 1,
            Some("live") => break,
            Some("bye" | "lag" | "error") => panic!("{}", heard["op"]),
            _ => {}
        }
    }
    assert_eq!(got, 9);
    drop((reader, writer, late));
    hub.stop().await;
}
