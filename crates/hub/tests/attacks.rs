//! What strangers try on a hub: each attack, and that it comes to nothing.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use serde_json::{Value, json};
use tidewire::{Client, DeflateConfig};
use tidewire_hub::Guard;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

async fn get(hub: &Running, path: &str, headers: &str) -> String {
    hub.raw(&format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
    ))
    .await
}

async fn uplink(hub: &Running, commands: &Value) -> String {
    let body = commands.to_string();
    let length = body.len();
    hub.raw(&format!(
        "POST /uplink HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    ))
    .await
}

#[tokio::test]
async fn a_foreign_page_cannot_have_its_visitor_follow_a_channel_as_an_image_or_a_frame() {
    let hub = start(in_memory()).await;
    for path in ["/poll?channel=lobby&wait=0", "/sse?channel=lobby"] {
        for site in ["cross-site", "same-site"] {
            let answer = get(&hub, path, &format!("Sec-Fetch-Site: {site}\r\n")).await;
            assert!(answer.starts_with("HTTP/1.1 403"), "{path}: {answer}");
        }
    }
    let own = "Sec-Fetch-Site: same-origin\r\n";
    let answer = get(&hub, "/poll?channel=lobby&wait=0", own).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // A development server's pages may come from another port: they ask with CORS, which names them.
    let near = "Sec-Fetch-Site: same-site\r\nOrigin: http://localhost:5173\r\n";
    let answer = get(&hub, "/poll?channel=lobby&wait=0", near).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // A link to a page is a link.
    let link = get(&hub, "/chat/lobby", "Sec-Fetch-Site: cross-site\r\n").await;
    assert!(link.starts_with("HTTP/1.1 200"), "{link}");
}

#[tokio::test]
async fn only_an_origin_that_was_judged_may_read_answers() {
    let hub = start(in_memory()).await;
    let allows = "access-control-allow-origin";
    for path in ["/healthz", "/echo"] {
        let answer = get(&hub, path, "Origin: https://evil.example\r\n").await;
        assert!(!answer.contains(allows), "{path}: {answer}");
    }
    let answer = get(&hub, "/", "Origin: https://evil.example\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 403") && !answer.contains(allows));
    let answer = get(&hub, "/", "Origin: http://localhost:5173\r\n").await;
    assert!(answer.contains("access-control-allow-origin: http://localhost:5173"));
    assert!(answer.contains("cross-origin-resource-policy: same-origin"));
}

#[tokio::test]
async fn odd_hosts_and_origins_are_denied() {
    let hub = start(in_memory()).await;
    for host in [
        "Host: localhost\r\nHost: evil.example",
        "Host: evil@localhost",
        "Host: localhost@evil.example",
        "Host: localhost.evil.example",
        "Host: 0.0.0.0:4000",
        "Host: 2130706433",
        "Host: 0x7f.1",
        "Host: [::1",
        "Host: ",
    ] {
        for target in ["/ws", "http://localhost/ws"] {
            let answer = hub
                .raw(&format!(
                    "GET {target} HTTP/1.1\r\n{host}\r\nConnection: close\r\n\r\n"
                ))
                .await;
            let status = answer.split(' ').nth(1).unwrap();
            assert!(matches!(status, "400" | "403"), "{host}: {answer}");
        }
    }
    let old = hub.raw("GET /poll?channel=a HTTP/1.0\r\n\r\n").await;
    assert!(old.contains(" 403 "), "{old}");
    for origin in [
        "null",
        "",
        "file://",
        "http://localhost@evil.example",
        "http://localhost.evil.example",
        "http://localhost, https://evil.example",
        "chrome-extension://localhost",
        "http://localhost\r\nOrigin: https://evil.example",
    ] {
        let body = "POST /uplink HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n\
            Connection: close\r\nContent-Length: 2\r\n";
        let answer = hub
            .raw(&format!("{body}Origin: {origin}\r\n\r\n{{}}"))
            .await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{origin}: {answer}");
    }
}

#[tokio::test]
async fn counters_are_not_passed_on_by_a_proxy_that_says_nothing_of_itself() {
    let mut config = in_memory();
    let names = vec!["chat.example".parse().unwrap()];
    config.guard = Guard::new(&config.listen, names, Vec::new(), true);
    let hub = start(config).await;
    for request in [
        "GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: chat.example\r\nConnection: close\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nVia: 1.1 x\r\nConnection: close\r\n\r\n",
    ] {
        let answer = hub.raw(request).await;
        assert!(answer.contains(" 403 "), "{request}: {answer}");
    }
    assert!(hub.get("/metrics").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn keys_in_urls_are_neither_told_nor_answered() {
    let hub = start(in_memory()).await;
    let key = "S3CRETKEY";
    let paths = [
        format!("/wss/v2/lobby/{key}/"),
        format!("/wss/v2/%zz/{key}"),
        format!("/v3/lobby?api_key={key}"),
        format!("/v3/lobby?api_key={key}&since=x"),
        format!("/v3/nowhere:x?api_key={key}"),
        format!("/nothing?api_key={key}"),
    ];
    for path in &paths {
        for headers in ["", "Origin: https://evil.example\r\n", "Host: evil\r\n"] {
            let answer = get(&hub, path, headers).await;
            assert!(!answer.contains(key), "{path}: {answer}");
        }
        // Judged as a WebSocket, too.
        _ = Client::new(hub.url(path)).connect().await;
    }
    let told = hub.told.lock().unwrap().join("\n");
    assert!(!told.is_empty() && !told.contains(key), "{told}");
    assert!(!hub.get("/metrics").await.contains(key));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_on_the_machine_reads_the_data_folder() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let hub = start(on_disk(&folder)).await;
    let commands = json!({"op": "publish", "channel": "lobby", "text": "x"});
    uplink(&hub, &commands).await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&folder) & 0o777, 0o700);
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o777, 0o600, "{}", path.display());
        seen.push(path.file_name().unwrap().to_owned());
    }
    for name in ["tidewire.db", "tidewire.db-wal", "lock", "witness"] {
        assert!(seen.iter().any(|seen| seen == name), "{name} of {seen:?}");
    }
    hub.stop().await;
}

#[tokio::test]
async fn a_bomb_is_not_inflated_beyond_the_largest_message() {
    let hub = start(in_memory()).await;
    for path in ["/ws", "/chat/lobby"] {
        let client = Client::new(hub.url(path)).deflate(Some(DeflateConfig::default()));
        let mut ws = client.connect().await.unwrap();
        assert!(ws.deflate().is_some());
        _ = ws.send(" ".repeat(16 << 20)).await;
        // The hub ends it: what is said before that is `hello`.
        while let Ok(Some(said)) = ws.recv().await {
            assert!(said.as_text().unwrap().contains("hello"));
        }
    }
    // And the hub goes on.
    hub.open("/chat/lobby").await;
}

#[tokio::test]
async fn a_batch_cannot_ask_for_more_than_a_session_may_have_waiting() {
    let mut config = in_memory();
    config.settings.limits.outbox = 64 * 1024;
    let hub = start(config).await;
    let text = "x".repeat(8000);
    let publish = json!({"op": "publish", "channel": "lobby", "text": text});
    uplink(&hub, &json!([publish, publish, publish, publish])).await;
    uplink(&hub, &json!([publish, publish, publish, publish])).await;
    let history: Vec<Value> = (0..128)
        .map(|id| json!({"op": "history", "id": id, "channel": "lobby"}))
        .collect();
    let answer = uplink(&hub, &json!(history)).await;
    assert!(answer.starts_with("HTTP/1.1 200"));
    // As much as it may have waiting, and what was under way: not 128 times 64,000.
    assert!(answer.len() < 1 << 20, "{}", answer.len());
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let answers: Vec<Value> = serde_json::from_str(body).unwrap();
    let ids: std::collections::BTreeSet<_> =
        answers.iter().map(|answer| answer["id"].as_u64()).collect();
    assert_eq!(ids.len(), 128, "each is answered");
    assert!(
        answers
            .iter()
            .any(|answer| answer["code"] == "too_large" && answer["op"] == "error")
    );
}

#[tokio::test]
async fn a_stream_that_is_not_read_does_not_stay() {
    let mut config = in_memory();
    config.settings.limits.outbox = 256 * 1024;
    let hub = start(config).await;
    let mut stalled = TcpStream::connect(hub.hub.addrs()[0]).await.unwrap();
    let request = "GET /sse?channel=lobby HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stalled.write_all(request.as_bytes()).await.unwrap();
    let mut ws = hub.open("/ws").await;
    let subscribed = async |hub: &Running| {
        let counters = hub.hub.counters().await;
        counters.iter().map(|one| one.sessions).sum::<u64>()
    };
    while subscribed(&hub).await < 2 {
        tokio::task::yield_now().await;
    }
    let text = "x".repeat(60_000);
    let publish = json!({"op": "publish", "id": 1, "channel": "lobby", "text": text}).to_string();
    while subscribed(&hub).await == 2 {
        ask(&mut ws, &publish).await;
    }
    let connections = async |hub: &Running| {
        let metrics = hub.get("/metrics").await;
        metrics.contains("tidewire_connections 2\n") // the publisher's, and the one that asks
    };
    while !connections(&hub).await {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
