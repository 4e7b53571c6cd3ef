//! Event streams, long polls and the way up beside them, on a real port.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use serde_json::{Value, json};

async fn uplink(hub: &Running, query: &str, command: &Value) -> (u16, Value) {
    let target = format!("/uplink{query}");
    let (status, body) = hub.request("POST", &target, "", &command.to_string()).await;
    (status, serde_json::from_str(&body).unwrap())
}

async fn poll(hub: &Running, query: &str) -> (u16, Value) {
    let (status, body) = hub.request("GET", &format!("/poll?{query}"), "", "").await;
    (status, serde_json::from_str(&body).unwrap())
}

fn publish(text: &str) -> Value {
    json!({"op": "publish", "id": 1, "channel": "lobby", "text": text})
}

/// What the messages of an answer, or a list of them, say.
fn texts(messages: &Value) -> Vec<&str> {
    let messages = messages.as_array().unwrap().iter();
    let messages = messages.filter(|message| message["op"] == "message");
    messages
        .map(|message| message["text"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_stream_that_comes_back_goes_on_where_it_was() {
    let hub = start(in_memory()).await;
    let mut events = hub.events("channel=lobby", None).await;
    assert_eq!(events.next().await["op"], "hello");
    assert_eq!(events.next().await["op"], "ok");
    assert_eq!(uplink(&hub, "", &publish("one")).await.0, 200);
    let one = events.until("message").await;
    assert_eq!(
        (&one["text"], one["pos"].as_str()),
        (&json!("one"), Some(&*events.id))
    );
    let last = events.id.clone();
    drop(events);
    for text in ["two", "three"] {
        uplink(&hub, "", &publish(text)).await;
    }
    let mut events = hub
        .events("channel=lobby&since=nonsense", Some(&last))
        .await;
    assert_eq!(events.until("ok").await["recovered"], true);
    assert_eq!(events.until("message").await["text"], "two");
    assert_eq!(events.next().await["text"], "three");
    assert_eq!(events.next().await["op"], "live");
    uplink(&hub, "", &publish("four")).await;
    assert_eq!(events.next().await["text"], "four");
}

#[tokio::test]
async fn json_of_several_lines_is_one_event() {
    let hub = start(in_memory()).await;
    let mut events = hub.events("channel=lobby", None).await;
    events.until("ok").await;
    let command = "{\"op\":\"publish\",\"channel\":\"lobby\",\"data\":{\n \"a\":\r\n 1.0e5\r}}";
    let (status, body) = hub.request("POST", "/uplink", "", command).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(events.until("message").await["data"], json!({"a": 1.0e5}));
}

#[tokio::test]
async fn a_poll_waits_for_what_comes_and_the_next_one_misses_nothing() {
    let hub = start(in_memory()).await;
    let (status, first) = poll(&hub, "channel=lobby&channel=live:news&wait=5").await;
    assert_eq!(
        status, 200,
        "without a cursor the answer is at once: {first}"
    );
    let (cursor, client) = (
        first["cursor"].as_str().unwrap(),
        first["client"].as_str().unwrap(),
    );
    let query = |cursor: &str| {
        format!("channel=lobby&channel=live:news&client={client}&since={cursor}&wait=20s")
    };
    let waiting = query(cursor);
    let ((_, second), ()) = tokio::join!(poll(&hub, &waiting), async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        uplink(&hub, "", &publish("one")).await;
    });
    assert_eq!(texts(&second["messages"]), ["one"]);
    assert_eq!(second["client"], client, "the same guest");
    // Between two polls:
    uplink(&hub, "", &publish("two")).await;
    let news = json!({"op": "publish", "channel": "live:news", "text": "three"});
    uplink(&hub, "", &news).await;
    uplink(&hub, "", &publish("four")).await;
    let mut cursor = second["cursor"].as_str().unwrap().to_owned();
    let mut heard = Vec::new();
    while heard.len() < 3 {
        let (_, answer) = poll(&hub, &query(&cursor)).await;
        heard.extend(texts(&answer["messages"]).into_iter().map(str::to_owned));
        cursor = answer["cursor"].as_str().unwrap().to_owned();
    }
    heard.sort();
    assert_eq!(heard, ["four", "three", "two"]);
    let (status, nothing) = poll(&hub, &query(&cursor).replace("wait=20s", "wait=0")).await;
    assert_eq!((status, texts(&nothing["messages"]).len()), (200, 0));
    assert_eq!(nothing["cursor"], cursor.as_str(), "where it was");
}

#[tokio::test]
async fn moving_between_transports_loses_nothing() {
    let hub = start(in_memory()).await;
    let mut ws = hub.open("/ws").await;
    let here = ask(&mut ws, r#"{"op":"subscribe","id":1,"channel":"lobby"}"#).await;
    ws.close(1000, "").await.unwrap();
    let mut expected = Vec::new();
    let mut heard = Vec::new();
    let mut cursor = here["pos"].as_str().unwrap().to_owned();
    for round in 0..12 {
        for part in 0..3 {
            let text = format!("{round}.{part}");
            uplink(&hub, "", &publish(&text)).await;
            expected.push(text);
        }
        match round % 3 {
            0 => {
                let mut events = hub
                    .events(&format!("channel=lobby&since={cursor}"), None)
                    .await;
                for _ in 0..3 {
                    let message = events.until("message").await;
                    heard.push(message["text"].as_str().unwrap().to_owned());
                }
                cursor = events.id;
            }
            1 => {
                let (_, answer) = poll(&hub, &format!("channel=lobby&since={cursor}")).await;
                heard.extend(texts(&answer["messages"]).into_iter().map(str::to_owned));
                cursor = answer["cursor"].as_str().unwrap().to_owned();
            }
            _ => {
                let mut ws = hub.open("/ws").await;
                let since =
                    format!(r#"{{"op":"subscribe","id":1,"channel":"lobby","since":"{cursor}"}}"#);
                assert_eq!(ask(&mut ws, &since).await["recovered"], true);
                for _ in 0..3 {
                    let message = json(&mut ws).await;
                    heard.push(message["text"].as_str().unwrap().to_owned());
                    cursor = message["pos"].as_str().unwrap().to_owned();
                }
            }
        }
    }
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn the_way_up_answers_for_each_command_and_by_its_status() {
    let hub = start(in_memory()).await;
    let mut ws = hub.open("/ws?name=Ann").await;
    let client = json(&mut ws).await["client"].as_str().unwrap().to_owned();
    let batch = json!([
        {"op": "publish", "id": "a", "channel": "lobby", "text": "hi", "key": "k1"},
        {"op": "history", "id": "b", "channel": "lobby"},
        {"op": "subscribe", "id": "c", "channel": "lobby"},
        {"op": "ping", "id": "d"},
        {"op": "dance", "id": "e"},
    ]);
    let (status, answers) = uplink(&hub, &format!("?client={client}"), &batch).await;
    assert_eq!(status, 200);
    let answer = |id: &str| {
        let mut answers = answers.as_array().unwrap().iter();
        answers.find(|answer| answer["id"] == id).unwrap()
    };
    assert_eq!(answer("a")["op"], "ok");
    assert_eq!(answer("c")["code"], "not_here");
    assert_eq!(answer("d")["op"], "pong");
    assert_eq!(answer("e")["code"], "bad_request");
    // The key is the guest's, over whatever it publishes.
    let again = json!({"op": "publish", "id": 1, "channel": "lobby", "text": "hi", "key": "k1"});
    assert_eq!(
        ask(&mut ws, &again.to_string()).await["pos"],
        answer("a")["pos"]
    );

    let (status, error) = uplink(
        &hub,
        "",
        &json!({"op": "publish", "channel": "none:x", "text": ""}),
    )
    .await;
    assert_eq!((status, &error["code"]), (404, &json!("unknown_namespace")));
    let huge = publish(&"x".repeat(70_000));
    assert_eq!(uplink(&hub, "", &huge).await.0, 413);
    let (_, error) = uplink(&hub, "", &json!([])).await;
    assert_eq!(error[0]["code"], "bad_request", "a batch of nothing");
    for (body, status) in [("", 400), ("{", 400), ("\u{0}", 400), ("7", 400)] {
        assert_eq!(
            hub.request("POST", "/uplink", "", body).await.0,
            status,
            "{body:?}"
        );
    }
    let (status, words) = hub
        .request("POST", "/uplink?client=forged.AAAA", "", "{}")
        .await;
    assert_eq!(status, 403, "{words}");
}

#[tokio::test]
async fn who_publishes_without_echo_does_not_hear_it_over_a_poll() {
    let hub = start(in_memory()).await;
    let (_, first) = poll(&hub, "channel=lobby").await;
    let (cursor, client) = (
        first["cursor"].as_str().unwrap(),
        first["client"].as_str().unwrap(),
    );
    let mut mine = publish("mine");
    mine["echo"] = json!(false);
    uplink(&hub, &format!("?client={client}"), &mine).await;
    uplink(&hub, "", &publish("theirs")).await;
    let (_, answer) = poll(
        &hub,
        &format!("channel=lobby&since={cursor}&client={client}"),
    )
    .await;
    assert_eq!(texts(&answer["messages"]), ["theirs"]);
}

#[tokio::test]
async fn a_poller_is_present_between_its_polls() {
    let hub = start(in_memory()).await;
    let mut ws = hub.open("/ws").await;
    ask(
        &mut ws,
        r#"{"op":"subscribe","id":1,"channel":"lobby","presence":true}"#,
    )
    .await;
    let (_, first) = poll(&hub, "channel=lobby&name=Polly").await;
    let client = first["client"].as_str().unwrap();
    let joined = loop {
        let heard = json(&mut ws).await;
        if heard["op"] == "join" && heard["name"] == "Polly" {
            break heard;
        }
    };
    assert_eq!(joined["client"], client.split('.').next().unwrap());
    poll(&hub, &format!("channel=lobby&name=Polly&client={client}")).await;
    let present = ask(&mut ws, r#"{"op":"presence","id":2,"channel":"lobby"}"#).await;
    assert_eq!(present["total"], 2, "one poller and one socket: {present}");
}

#[tokio::test]
async fn what_may_not_be_followed_is_told_by_the_status() {
    let hub = start(in_memory()).await;
    for path in ["/sse", "/poll"] {
        for (query, expected) in [
            ("", 400),
            ("channel=UPPER:x", 400),
            ("channel=none:x", 404),
            ("channel=lobby&since=7", 400),
        ] {
            let (status, body) = hub.request("GET", &format!("{path}?{query}"), "", "").await;
            assert_eq!(status, expected, "{path}?{query}: {body}");
            assert!(!body.trim().is_empty());
        }
    }
    let metrics = hub.get("/metrics").await;
    assert!(
        metrics.contains("tidewire_sessions 0\n"),
        "no session is left over"
    );
}

#[tokio::test]
async fn pages_of_other_origins_may_read_what_they_may_ask() {
    let hub = start(in_memory()).await;
    let asks = "Origin: http://localhost:5173\r\nAccess-Control-Request-Method: POST\r\n";
    let answer = hub
        .raw(&format!(
            "OPTIONS /uplink HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{asks}\r\n"
        ))
        .await
        .to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 204"), "{answer}");
    assert!(answer.contains("access-control-allow-origin: http://localhost:5173\r\n"));
    assert!(answer.contains("vary: origin"));
    let (status, _) = hub
        .request("POST", "/uplink", "Origin: https://evil.example\r\n", "{}")
        .await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn a_silent_stream_is_kept_alive_by_comments() {
    let mut config = in_memory();
    config.ping_interval = std::time::Duration::from_millis(100);
    let hub = start(config).await;
    let mut events = hub.events("channel=lobby", None).await;
    for _ in 0..3 {
        events.comment().await;
    }
    uplink(&hub, "", &publish("still here")).await;
    assert_eq!(events.until("message").await["text"], "still here");
}

#[tokio::test]
async fn a_stream_that_is_not_read_is_ended_and_told_to_come_back() {
    let hub = start(in_memory()).await;
    let mut slow = hub.events("channel=lobby", None).await;
    slow.until("ok").await;
    let ws = hub.open("/c/lobby").await;
    let metrics = || async { hub.get("/metrics").await };
    let big = "x".repeat(60_000);
    // More than the socket's buffers and the outbox hold together.
    let mut sent = 0;
    while !metrics()
        .await
        .contains("tidewire_slow_sessions_closed_total 1")
    {
        for _ in 0..50 {
            ws.send(big.as_str()).await.unwrap();
        }
        sent += 50;
        assert!(sent < 5_000, "the outbox has no end: {}", metrics().await);
    }
    // What it gets before the end is in order, and its last id is where it goes on.
    let mut count = 0;
    let last = loop {
        let event = slow.next().await;
        match event["op"].as_str() {
            Some("message") => count += 1,
            Some("bye") => break event,
            _ => {}
        }
    };
    assert_eq!(
        (&last["code"], &last["reconnect"]),
        (&json!(4002), &json!(true))
    );
    assert!(count > 0 && count < sent);
}
