//! What is answered without a WebSocket, and who is turned away.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use tidewire::Client;
use tidewire_hub::config::{Config, Pages};

#[tokio::test]
async fn pages_come_with_their_scripts_and_allow_no_others() {
    let mut config = in_memory();
    config.pages = Pages::Plain;
    let hub = start(config).await;
    for path in ["/", "/chat/lobby", "/c/live%3Ax"] {
        let page = hub.get(path).await;
        assert!(page.starts_with("HTTP/1.1 200"), "{path}: {page}");
        assert!(page.contains("content-security-policy: default-src 'none'"));
        assert!(page.contains("x-content-type-options: nosniff"));
        assert!(page.contains("referrer-policy: no-referrer"));
        assert!(
            !page.contains("<script>") && !page.contains("onclick") && !page.contains("style=")
        );
        let scripts = page.split("src=\"").skip(1);
        for script in scripts.filter_map(|rest| rest.split('"').next()) {
            // As a browser resolves it, from any depth.
            let script = script.trim_start_matches("../").trim_start_matches('/');
            let script = hub.get(&format!("/{script}")).await;
            assert!(script.contains("content-type: text/javascript"), "{script}");
        }
    }
}

#[tokio::test]
async fn a_path_that_names_no_channel_is_told_why() {
    let hub = start(in_memory()).await;
    for (path, status, why) in [
        ("/c/%ff", 400, "UTF-8"),
        ("/c/a%00b", 400, "control"),
        ("/c/NOPE:x", 400, "namespace"),
        ("/chat/%20%", 400, "escape"),
        ("/nothing", 404, "nothing here"),
        ("/assets/..%2f..%2fetc", 404, "nothing here"),
    ] {
        let answer = hub.get(path).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{path}: {answer}"
        );
        assert!(answer.contains(why), "{path}: {answer}");
    }
    for (path, status, why) in [
        ("/c/nowhere:x", 404, "namespace"),
        ("/c/x?history=many", 400, "history"),
        ("/c/x?since=yesterday", 400, "since"),
        ("/ws?name=%00", 400, "name"),
    ] {
        let (got, body) = hub.refused(Client::new(hub.url(path))).await;
        assert_eq!(got, status, "{path}: {body}");
        assert!(body.contains(why), "{path}: {body}");
    }
}

#[tokio::test]
async fn foreign_hosts_and_origins_get_403_and_the_terminal_names_the_flag() {
    let hub = start(in_memory()).await;
    for path in ["/ws", "/chat/lobby"] {
        let foreign = Client::new(hub.url(path)).header("Origin", "https://evil.example");
        let (status, body) = hub.refused(foreign).await;
        assert_eq!(status, 403);
        assert!(
            body.contains("https://evil.example") && body.contains("--origin"),
            "{body}"
        );
        let null = Client::new(hub.url(path)).header("Origin", "null");
        assert_eq!(hub.refused(null).await.0, 403);
        let near = Client::new(hub.url(path)).header("Origin", "http://localhost:5173");
        near.connect().await.unwrap();
    }
    for path in [
        "/",
        "/ws",
        "/metrics",
        "/status",
        "/chat/lobby",
        "/tester",
        "/tidewire.js",
        "/assets/favicon.svg",
    ] {
        let rebound =
            format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
        let answer = hub.raw(&rebound).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{path}: {answer}");
    }
    let told = hub.told.lock().unwrap().join("\n");
    assert!(told.contains("--origin https://evil.example"), "{told}");
    assert!(told.contains("--host evil.example"), "{told}");
}

#[tokio::test]
async fn counters_are_for_this_machine_and_health_for_all() {
    let hub = start(in_memory()).await;
    let mut ws = hub.open("/chat/lobby?echo=1").await;
    ws.send("x").await.unwrap();
    text(&mut ws).await;
    let metrics = hub.get("/metrics").await;
    assert!(metrics.starts_with("HTTP/1.1 200"), "{metrics}");
    assert!(metrics.contains("tidewire_sessions 1\n"), "{metrics}");
    let proxied = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 10.0.0.1\r\n\
        Connection: close\r\n\r\n";
    assert!(hub.raw(proxied).await.starts_with("HTTP/1.1 403"));
    let health = "GET /healthz HTTP/1.1\r\nHost: any.example\r\nConnection: close\r\n\r\n";
    assert!(hub.raw(health).await.starts_with("HTTP/1.1 200"));
}

/// `/status`, asked with these headers besides.
async fn status(hub: &Running, more: &str) -> serde_json::Value {
    let request =
        format!("GET /status HTTP/1.1\r\nHost: localhost\r\n{more}Connection: close\r\n\r\n");
    let answer = hub.raw(&request).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.contains("content-type: application/json"),
        "{answer}"
    );
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn the_status_tells_what_runs_and_counts_for_this_machine_alone() {
    let mut config = in_memory();
    let prices = Config::development().settings.namespaces["prices"].clone();
    config.settings.namespaces.insert("prices".into(), prices);
    let hub = start(config).await;
    let mut ws = hub.open("/chat/lobby?echo=1").await;
    ws.send("x").await.unwrap();
    text(&mut ws).await;
    let _events = hub.events("channel=lobby", None).await;
    let here = status(&hub, "").await;
    assert_eq!(here["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(here["tls"], false);
    assert_eq!(here["listening"][0], hub.hub.addrs()[0].to_string());
    assert!(here["now"].as_u64() >= here["started"].as_u64(), "{here}");
    let prices = serde_json::json!({
        "name": "prices", "storage": "memory", "subscribe": "anyone", "publish": "anyone",
        "presence": "anyone", "slow_consumer": "keep-latest", "max_message": 65536,
        "history_size": 10, "history_age_ms": 300_000,
    });
    assert_eq!(here["namespaces"][2], prices);
    for (name, number) in [
        ("sessions", 2),
        ("websocket", 1),
        ("sse", 1),
        ("poll", 0),
        ("subscriptions", 2),
        ("published", 1),
    ] {
        assert_eq!(here["numbers"][name], number, "{name}: {here}");
    }
    // Somebody else, perhaps: a proxy passes the request on.
    for header in [
        "X-Forwarded-For: 10.0.0.1\r\n",
        "Forwarded: for=127.0.0.1\r\n",
        "Via: 1.1 proxy\r\n",
    ] {
        let there = status(&hub, header).await;
        assert!(there["numbers"].is_null(), "{header}: {there}");
        assert_eq!(there["listening"], serde_json::json!([]), "{header}");
        assert_eq!(there["namespaces"], here["namespaces"]);
    }
    let asked = |origin: &str| {
        format!(
            "GET /status HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\nConnection: close\r\n\r\n"
        )
    };
    for origin in ["https://evil.example", "null"] {
        let answer = hub.raw(&asked(origin)).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{origin}: {answer}");
    }
    let near = hub.raw(&asked("http://localhost:5173")).await;
    assert!(near.contains("access-control-allow-origin: http://localhost:5173"));
    drop(ws);
    while status(&hub, "").await["numbers"]["websocket"] != 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_told_to_come_back() {
    let mut config = in_memory();
    config.max_connections = 1;
    let hub = start(config).await;
    let ws = hub.open("/ws").await;
    assert!(hub.get("/").await.starts_with("HTTP/1.1 503"));
    drop(ws);
    while !hub.get("/").await.starts_with("HTTP/1.1 200") {
        tokio::task::yield_now().await;
    }
    let told = hub.told.lock().unwrap().join("\n");
    assert!(told.contains("max_connections"), "{told}");
}
