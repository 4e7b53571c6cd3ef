//! Messages to one session: who gets them, who may send them, and what becomes of the rest.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use serde_json::{Value, json};
use std::time::Duration;
use tidewire::{Client, WebSocket};

/// Opens a native session; its public id besides.
async fn native(hub: &Running) -> (WebSocket, String) {
    let mut ws = hub.open("/ws").await;
    let hello = json(&mut ws).await;
    (ws, hello["session"].as_str().unwrap().to_owned())
}

/// Hands `body` to a session: the status, and what the answer says.
async fn give(hub: &Running, session: &str, body: &str) -> (u16, String) {
    let target = format!("/sessions/{session}");
    hub.request("POST", &target, "", body).await
}

#[tokio::test]
async fn a_message_reaches_one_session_of_any_shard_and_nobody_else() {
    let hub = start(in_memory()).await;
    let mut all = Vec::new();
    // Enough for both shards to have some.
    for _ in 0..12 {
        all.push(native(&hub).await);
    }
    for (number, (_, session)) in all.iter().enumerate() {
        let body = json!({"data": {"n": number, "exact": 1.0}, "id": "ignored"});
        assert_eq!(give(&hub, session, &body.to_string()).await.0, 200);
    }
    for (number, (ws, _)) in all.iter_mut().enumerate() {
        let heard = json(ws).await;
        let only = json!({"op": "direct", "data": {"n": number, "exact": 1.0}});
        assert_eq!(heard, only);
        // Nothing else waits.
        assert_eq!(ask(ws, r#"{"op":"ping","id":1}"#).await["op"], "pong");
    }
    let letters: std::collections::BTreeSet<&str> =
        all.iter().map(|(_, session)| &session[..2]).collect();
    assert_eq!(letters.len(), 2, "both shards have sessions: {letters:?}");
}

#[tokio::test]
async fn each_kind_of_payload_comes_as_the_session_reads_it() {
    let hub = start(in_memory()).await;
    let (mut native, of_native) = native(&hub).await;
    // The binary form is for publications alone.
    ask(&mut native, r#"{"op":"auth","id":1,"binary":true}"#).await;
    let mut plain = hub.open("/c/lobby?hello=1").await;
    let of_plain = json(&mut plain).await["session"].clone();
    let mut events = hub.events("channel=lobby", None).await;
    let of_events = events.until("hello").await["session"].clone();
    events.until("ok").await;
    let sessions = [
        of_native.as_str(),
        of_plain.as_str().unwrap(),
        of_events.as_str().unwrap(),
    ];
    for body in [
        r#"{"data":{"a": 1.0e5}}"#,
        r#"{"text":"hi"}"#,
        r#"{"base64":"AAH/"}"#,
    ] {
        for session in sessions {
            let (status, answer) = give(&hub, session, body).await;
            assert_eq!((status, answer.trim()), (200, r#"{"op":"ok"}"#));
        }
    }
    for expected in [
        r#"{"op":"direct","data":{"a": 1.0e5}}"#,
        r#"{"op":"direct","text":"hi"}"#,
        r#"{"op":"direct","base64":"AAH/"}"#,
    ] {
        assert_eq!(text(&mut native).await, expected);
        let expected: Value = serde_json::from_str(expected).unwrap();
        let id = events.id.clone();
        assert_eq!(events.next().await, expected);
        assert_eq!(events.id, id, "it moves no cursor");
    }
    assert_eq!(text(&mut plain).await, r#"{"a": 1.0e5}"#);
    assert_eq!(text(&mut plain).await, "hi");
    let bytes = plain.recv().await.unwrap().unwrap();
    assert_eq!(bytes.as_bytes(), [0, 1, 255]);

    // What carries it, and whose it is.
    for (session, transport) in [(sessions[0], "websocket"), (sessions[2], "sse")] {
        let target = format!("/sessions/{session}");
        let (status, told) = hub.request("GET", &target, "", "").await;
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!((status, &told["transport"]), (200, &json!(transport)));
        assert_eq!(told["session"], session);
        assert!(told["from"]["client"].is_string(), "{told}");
    }
}

#[tokio::test]
async fn who_is_gone_or_never_was_is_not_here() {
    let hub = start(in_memory()).await;
    let (mut ws, session) = native(&hub).await;
    ws.close(1000, "").await.unwrap();
    let gone = async {
        while give(&hub, &session, r#"{"text":"hi"}"#).await.0 != 404 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    for wrong in [
        "x",
        "AAAAAAAAAAAAAAAA",
        "zzzzzzzzzzzzzzzz",
        "%00",
        "%ff",
        "%zz",
        "..",
        &"a".repeat(4000),
    ] {
        let (status, why) = give(&hub, wrong, r#"{"text":"hi"}"#).await;
        assert_eq!(status, 404, "{wrong}: {why}");
    }
    // A poller is somebody, but nobody waits between its polls.
    let (status, polled) = hub
        .request("GET", "/poll?channel=lobby&wait=0", "", "")
        .await;
    assert_eq!(status, 200);
    let polled: Value = serde_json::from_str(&polled).unwrap();
    let client = polled["client"].as_str().unwrap();
    let session = format!("poll.{}", client.split('.').next().unwrap());
    let (status, why) = give(&hub, &session, r#"{"text":"hi"}"#).await;
    assert_eq!(status, 409);
    assert!(why.contains("polls"), "{why}");
}

#[tokio::test]
async fn what_is_no_message_is_told_and_reaches_nobody() {
    let mut config = in_memory();
    for namespace in config.settings.namespaces.values_mut() {
        namespace.max_message = 1000;
    }
    let hub = start(config).await;
    let (mut ws, session) = native(&hub).await;
    for (body, why) in [
        ("", "JSON object"),
        ("hi", "JSON object"),
        ("[]", "JSON object"),
        ("{}", "data"),
        (r#"{"data":1,"text":"2"}"#, "data"),
        (r#"{"text":1}"#, "text"),
        (r#"{"text":"1","text":"2"}"#, "twice"),
        (r#"{"base64":"?"}"#, "base64"),
        (r#"{"data":"\ud800"}"#, "surrogate"),
    ] {
        let (status, told) = give(&hub, &session, body).await;
        assert_eq!(status, 400, "{body}: {told}");
        assert!(told.contains(why), "{body}: {told}");
    }
    let nested = format!("{{\"data\":{}1{}}}", "[".repeat(101), "]".repeat(101));
    assert_eq!(give(&hub, &session, &nested).await.0, 400);
    let large = json!({"text": "x".repeat(1001)}).to_string();
    let (status, told) = give(&hub, &session, &large).await;
    assert_eq!(status, 413);
    assert!(told.contains("1001") && told.contains("1000"), "{told}");
    let huge = json!({"text": "x".repeat(1 << 20)}).to_string();
    assert_eq!(give(&hub, &session, &huge).await.0, 413);
    let target = format!("/sessions/{session}");
    assert_eq!(hub.request("PUT", &target, "", "").await.0, 405);

    assert_eq!(ask(&mut ws, r#"{"op":"ping","id":1}"#).await["op"], "pong");
    assert_eq!(give(&hub, &session, r#"{"text":"the first"}"#).await.0, 200);
    assert_eq!(json(&mut ws).await["text"], "the first");
}

#[tokio::test]
async fn pages_proxies_and_other_hosts_may_not() {
    let hub = start(in_memory()).await;
    let (mut ws, session) = native(&hub).await;
    let target = format!("/sessions/{session}");
    let own = hub.hub.addrs()[0];
    for (headers, why) in [
        (format!("Origin: http://{own}\r\n"), "not for pages"),
        ("Origin: http://localhost:5173\r\n".into(), "not for pages"),
        (
            "Origin: https://evil.example\r\n".into(),
            "https://evil.example",
        ),
        ("Sec-Fetch-Site: cross-site\r\n".into(), "not for pages"),
        ("Sec-Fetch-Site: same-origin\r\n".into(), "not for pages"),
        ("X-Forwarded-For: 127.0.0.1\r\n".into(), "proxy"),
        ("Forwarded: for=127.0.0.1\r\n".into(), "proxy"),
    ] {
        for method in ["POST", "GET"] {
            let (status, told) = hub
                .request(method, &target, &headers, r#"{"text":"hi"}"#)
                .await;
            assert_eq!(status, 403, "{method} {headers}");
            assert!(told.contains(why), "{method} {headers}: {told}");
        }
    }
    let rebound = format!(
        "POST {target} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\nContent-Length: 13\r\n\r\n{{\"text\":\"hi\"}}"
    );
    assert!(hub.raw(&rebound).await.starts_with("HTTP/1.1 403"));
    // A person who types the address may look.
    let (status, _) = hub
        .request("GET", &target, "Sec-Fetch-Site: none\r\n", "")
        .await;
    assert_eq!(status, 200);
    assert_eq!(ask(&mut ws, r#"{"op":"ping","id":1}"#).await["op"], "pong");
}

#[tokio::test]
async fn it_is_off_when_the_configuration_says_so_or_others_may_connect() {
    let mut off = in_memory();
    off.sessions = false;
    let mut open = in_memory();
    open.listen = vec!["0.0.0.0:0".into()];
    open.allow_anonymous = true;
    for config in [off, open] {
        let hub = start(config).await;
        let port = hub.hub.addrs()[0].port();
        let client = Client::new(format!("ws://127.0.0.1:{port}/ws"));
        let mut ws = client.connect().await.unwrap();
        let hello = json(&mut ws).await;
        let session = hello["session"].as_str().unwrap();
        let (status, why) = give(&hub, session, r#"{"text":"hi"}"#).await;
        assert_eq!(status, 404);
        assert!(why.contains("sessions = false"), "{why}");
    }
}

#[tokio::test]
async fn a_session_that_does_not_read_is_full_at_last_and_takes_more_once_it_reads() {
    let mut config = in_memory();
    config.settings.limits.outbox = 64 * 1024;
    let hub = start(config).await;
    let client = Client::new(hub.url("/ws")).deflate(None);
    let mut ws = client.connect().await.unwrap();
    let hello = json(&mut ws).await;
    let session = hello["session"].as_str().unwrap();
    let body = json!({"text": "x".repeat(60_000)}).to_string();
    let mut given = 0;
    // The sockets between hub and client hold some megabytes.
    let told = loop {
        match give(&hub, session, &body).await {
            (200, _) => given += 1,
            told => break told,
        }
        assert!(given < 2000, "nothing holds it up");
    };
    assert_eq!(told.0, 503, "{}", told.1);
    for _ in 0..given {
        assert_eq!(json(&mut ws).await["op"], "direct");
    }
    assert_eq!(give(&hub, session, r#"{"text":"more"}"#).await.0, 200);
    assert_eq!(json(&mut ws).await["text"], "more");
}
