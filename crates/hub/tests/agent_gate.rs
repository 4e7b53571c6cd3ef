//! The tester's local agent: who may have it, and who may not.
#![allow(clippy::unwrap_used)]

mod common;
mod far;

use common::*;
use far::*;
use serde_json::json;
use tidewire::{Client, Message};

#[tokio::test]
async fn a_link_works_once_and_its_key_as_often_as_wanted() {
    let page = Page::new().await;
    let link = page.running.hub.tester_link().unwrap();
    let addr = page.running.hub.addrs()[0];
    let token = link
        .strip_prefix(&format!("http://{addr}/tester#agent="))
        .unwrap()
        .to_owned();
    assert_eq!(token.len(), 32);
    let wrong = page.post(&"0".repeat(32)).await;
    assert!(
        wrong.starts_with("HTTP/1.1 403") && wrong.contains("the terminal"),
        "{wrong}"
    );
    let first = page.post(&token).await;
    assert!(
        first.starts_with("HTTP/1.1 200") && first.contains("{\"key\":\""),
        "{first}"
    );
    let again = page.post(&token).await;
    assert!(
        again.starts_with("HTTP/1.1 410") && again.contains("works once"),
        "{again}"
    );
    assert_ne!(page.running.hub.tester_link().unwrap(), link);
    let told = page.running.told.lock().unwrap().join("\n");
    assert!(
        told.contains("the tester's link was used") && !told.contains(&token),
        "{told}"
    );
    for _ in 0..2 {
        let mut agent = page.dial(json!({"url": page.running.url("/echo")})).await;
        agent.until("open").await;
    }
    let long = page.post(&"a".repeat(1000)).await;
    assert!(long.starts_with("HTTP/1.1 400"), "{long}");
    for _ in 0..20 {
        page.post("wrong").await;
    }
    let many = page.post("wrong").await;
    assert!(many.starts_with("HTTP/1.1 429"), "{many}");
}

#[tokio::test]
async fn only_the_page_of_this_very_hub_may_ask() {
    let page = Page::new().await;
    let addr = page.running.hub.addrs()[0];
    let own = format!("http://{addr}");
    let port = addr.port();
    let other_port = format!("Origin: http://127.0.0.1:{}\r\n", port ^ 1);
    let headers = [
        (format!("Host: {addr}\r\n"), "names no Origin"),
        (
            format!("Host: {addr}\r\n{other_port}"),
            "of this server alone",
        ),
        (
            format!("Host: {addr}\r\nOrigin: http://localhost:{port}\r\n"),
            "of this server alone",
        ),
        (
            format!("Host: {addr}\r\nOrigin: https://{addr}\r\n"),
            "of this server alone",
        ),
        (
            format!("Host: {addr}\r\nOrigin: https://evil.example\r\n"),
            "may not use this server",
        ),
        (
            format!("Host: {addr}\r\nOrigin: null\r\n"),
            "may not use this server",
        ),
        (
            format!("Host: evil.example:{port}\r\nOrigin: http://evil.example:{port}\r\n"),
            "does not answer to Host",
        ),
        (
            format!("Host: {addr}\r\nOrigin: {own}\r\nX-Forwarded-For: 1.2.3.4\r\n"),
            "for this machine",
        ),
        (
            format!("Host: {addr}\r\nOrigin: {own}\r\nVia: 1.1 proxy\r\n"),
            "for this machine",
        ),
        (
            format!("Host: {addr}\r\nOrigin: {own}\r\nOrigin: {own}\r\n"),
            "may not use this server",
        ),
    ];
    let token = page.running.hub.tester_link().unwrap();
    let token = token.split("agent=").nth(1).unwrap();
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: tidewire-agent.v1\r\n";
    for (headers, words) in headers {
        let post = format!(
            "POST /agent HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: 32\r\n\r\n{token}"
        );
        let get = format!("GET /agent HTTP/1.1\r\n{headers}{upgrade}\r\n");
        for request in [post, get] {
            let answer = page.first(&request).await;
            assert!(answer.starts_with("HTTP/1.1 403"), "{request}\n{answer}");
            assert!(answer.contains(words), "{request}\n{answer}");
        }
    }
    let old = format!(
        "POST /agent HTTP/1.0\r\nHost: {addr}\r\nOrigin: {own}\r\nContent-Length: 32\r\n\r\n{token}"
    );
    assert!(page.first(&old).await.contains(" 403 "));
    // Nobody has used it up.
    assert!(page.post(token).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn what_is_no_opening_is_told_and_ends_with_4501() {
    let page = Page::new().await;
    let url = page.running.url("/echo");
    let wrong_key = json!({"op": "open", "key": "0".repeat(32), "url": url}).to_string();
    let huge =
        json!({"op": "open", "key": page.key, "url": url, "headers": [["X", "x".repeat(100_000)]]});
    let firsts: Vec<(Message, &str)> = vec![
        ("garbage".into(), "first message"),
        ("{\"op\":\"send\",\"text\":\"x\"}".into(), "first message"),
        ("{\"op\":\"fly\"}".into(), "first message"),
        (vec![1, 2, 3].into(), "binary"),
        (huge.to_string().into(), "65536 bytes"),
        (wrong_key.into(), "key"),
    ];
    for (first, words) in firsts {
        let mut agent = page.agent().await;
        agent.ws.send(first).await.unwrap();
        let error = agent.next().await;
        assert_eq!(
            (&error["ev"], &error["stage"]),
            (&json!("error"), &json!("agent"))
        );
        assert!(
            error["message"].as_str().unwrap().contains(words),
            "{error}"
        );
        assert_eq!(agent.ended().await, 4501);
    }
    let mut agent = page.dial(json!({"url": url})).await;
    agent.until("open").await;
    agent.say(json!({"op": "fly"})).await;
    assert_eq!(agent.until("error").await["stage"], "agent");
    assert_eq!(agent.ended().await, 4501);
}

#[tokio::test]
async fn the_subprotocol_has_to_be_offered_and_sockets_are_bounded() {
    let page = Page::new().await;
    let origin = format!("http://{}", page.running.hub.addrs()[0]);
    let client = Client::new(page.running.url("/agent")).origin(&origin);
    let (status, body) = page.running.refused(client).await;
    assert!(
        status == 400 && body.contains("tidewire-agent.v1"),
        "{body}"
    );
    let mut agents = Vec::new();
    for _ in 0..64 {
        agents.push(page.agent().await);
    }
    let (status, body) = page.running.refused(page.client()).await;
    assert!(status == 503 && body.contains("64 sockets"), "{body}");
}

#[tokio::test]
async fn a_hub_without_an_agent_says_so() {
    let mut config = in_memory();
    config.agent = false;
    let running = start(config).await;
    assert_eq!(running.hub.tester_link(), None);
    let addr = running.hub.addrs()[0];
    let head = format!(
        "/agent HTTP/1.1\r\nHost: {addr}\r\nOrigin: http://{addr}\r\nConnection: close\r\n"
    );
    for request in [
        format!("GET {head}\r\n"),
        format!("POST {head}Content-Length: 1\r\n\r\nx"),
    ] {
        let answer = running.raw(&request).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        assert!(answer.contains("agent = false"), "{answer}");
    }
}
