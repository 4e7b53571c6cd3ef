//! The tester's local agent: sockets that a page has the hub open for it.
#![allow(clippy::unwrap_used)]

mod common;
mod far;

use common::*;
use far::*;
use serde_json::{Value, json};
use std::time::Duration;
use tidewire::tls::{ServerTls, TlsStream};
use tidewire::{Client, Error, Message, Server, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

#[tokio::test]
async fn text_and_binary_go_there_and_back_and_the_whole_story_is_told() {
    let page = Page::new().await;
    let far = page.running.url("/echo");
    let mut agent = page
        .dial(json!({"url": far, "protocols": ["a.v1", "b"], "deflate": false}))
        .await;
    let connected = agent.until("connected").await;
    let addr = page.running.hub.addrs()[0].to_string();
    assert_eq!(connected["address"], addr);
    assert_eq!(connected["proxy"], Value::Null);
    let request = agent.next().await;
    let head = request["head"].as_str().unwrap();
    assert!(head.starts_with("GET /echo HTTP/1.1\r\n"), "{head}");
    assert!(head.ends_with("\r\n\r\n") && head.contains("Sec-WebSocket-Key: "));
    let response = agent.next().await;
    assert_eq!(response["ev"], "response");
    let head = response["head"].as_str().unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.to_lowercase().contains("sec-websocket-accept: "));
    let open = agent.next().await;
    assert_eq!(
        open,
        json!({"ev": "open", "protocol": "a.v1", "extensions": ""})
    );

    agent.say(json!({"op": "send", "text": "hé\u{0}llo"})).await;
    assert_eq!(
        agent.next().await,
        json!({"ev": "text", "text": "hé\u{0}llo"})
    );
    agent.ws.send(vec![0, 255, 7]).await.unwrap();
    assert_eq!(agent.message().await, [0, 255, 7]);
    agent.say(json!({"op": "ping"})).await;
    let pong = agent.until("pong").await;
    let rtt = pong["rtt_ms"].as_f64().unwrap();
    assert!(rtt > 0.0 && rtt < 30_000.0, "{pong}");

    agent.say(json!({"op": "close", "code": 1006})).await;
    let error = agent.until("error").await;
    assert_eq!(error["stage"], "protocol");
    agent
        .say(json!({"op": "send", "text": "still there"}))
        .await;
    assert_eq!(agent.next().await["text"], "still there");
    agent
        .say(json!({"op": "close", "code": 4321, "reason": "enough"}))
        .await;
    let close =
        json!({"ev": "close", "code": 4321, "reason": "enough", "by": "client", "clean": true});
    assert_eq!(agent.next().await, close);
    assert_eq!(agent.ended().await, 1000);
    page.running.stop().await;
}

#[tokio::test]
async fn headers_and_origin_arrive_as_they_were_written() {
    let page = Page::new().await;
    let (far, request) =
        raw(b"HTTP/1.1 403 Forbidden\r\nX-Why: you\r\nContent-Length: 9\r\n\r\nnot you\xff!").await;
    let headers = json!([
        ["X-A", "1"],
        ["X-A", "ä"],
        ["Authorization", "Bearer t"],
        ["Host", "b.example"]
    ]);
    let open = json!({"url": format!("ws://user:pw@{far}/p?q=1"), "headers": headers,
        "origin": "https://app.example"});
    let mut agent = page.dial(open).await;
    let told = agent.until("request").await;
    let seen = request.await.unwrap();
    assert_eq!(told["head"], String::from_utf8(seen).unwrap());
    let head = told["head"].as_str().unwrap().to_lowercase();
    for line in [
        "get /p?q=1 http/1.1",
        "host: b.example",
        "origin: https://app.example",
        "x-a: 1",
        "x-a: ä",
        "authorization: bearer t",
        "sec-websocket-extensions: permessage-deflate",
    ] {
        assert!(head.contains(line), "{line} is not in\n{head}");
    }
    let refused = agent.next().await;
    assert_eq!(refused["ev"], "refused");
    assert_eq!(refused["status"], 403);
    assert_eq!(refused["body"], "not you\u{fffd}!");
    assert_eq!(refused["truncated"], false);
    let head = "HTTP/1.1 403 Forbidden\r\nX-Why: you\r\nContent-Length: 9\r\n\r\n";
    assert_eq!(refused["head"], head);
    assert_eq!(agent.ended().await, 1000);
}

#[tokio::test]
async fn a_long_body_is_cut_and_a_redirect_is_a_refusal() {
    let page = Page::new().await;
    let mut answer = b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\n\r\n".to_vec();
    answer.resize(answer.len() + 100_000, b'x');
    let (far, _) = raw(&answer).await;
    let mut agent = page.dial(json!({"url": format!("ws://{far}/")})).await;
    let refused = agent.until("refused").await;
    assert_eq!(
        (&refused["status"], &refused["truncated"]),
        (&json!(302), &json!(true))
    );
    assert_eq!(refused["body"].as_str().unwrap().len(), 64 * 1024);
    assert!(
        refused["head"]
            .as_str()
            .unwrap()
            .contains("Location: ws://127.0.0.1:1/")
    );
}

#[tokio::test]
async fn broken_answers_are_shown_with_what_is_wrong() {
    let page = Page::new().await;
    let wrong_accept = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n";
    for (answer, part) in [
        (wrong_accept, "Sec-WebSocket-Accept"),
        ("SSH-2.0-OpenSSH\r\n", "HTTP/1.1"),
    ] {
        let (far, _) = raw(answer.as_bytes()).await;
        let mut agent = page.dial(json!({"url": format!("ws://{far}/")})).await;
        assert_eq!(agent.until("response").await["head"], answer);
        let error = agent.until("error").await;
        assert_eq!(error["stage"], "handshake", "{error}");
        assert!(error["hint"].as_str().unwrap().contains(part), "{error}");
        assert_eq!(agent.ended().await, 1000);
    }
}

#[tokio::test]
async fn each_stage_fails_with_its_name() {
    let page = Page::new().await;
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let (plain, _) = raw(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    // A proxy looks names up itself.
    let proxies = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    let proxied = proxies.iter().any(|name| std::env::var_os(name).is_some());
    let unknown = if proxied { "tcp" } else { "dns" };
    for (url, headers, stage) in [
        ("ws://no-such-host.invalid/".to_owned(), json!([]), unknown),
        (format!("ws://{free}/"), json!([]), "tcp"),
        (format!("wss://{plain}/"), json!([]), "tls"),
        ("http://127.0.0.1/".to_owned(), json!([]), "handshake"),
        ("ws+unix:/tmp/x.sock:/".to_owned(), json!([]), "handshake"),
        ("ws://".to_owned(), json!([]), "handshake"),
        (
            format!("ws://{free}/"),
            json!([["Sec-WebSocket-Key", "x"]]),
            "handshake",
        ),
        (
            format!("ws://{free}/"),
            json!([["X\r\nY", "x"]]),
            "handshake",
        ),
        (
            format!("ws://{free}/"),
            json!([["X", "x\r\nY: 1"]]),
            "handshake",
        ),
    ] {
        let mut agent = page.dial(json!({"url": url, "headers": headers})).await;
        let error = agent.until("error").await;
        assert_eq!(error["stage"], stage, "{url} {error}");
        assert!(error["message"].as_str().unwrap().len() > 10, "{error}");
        assert!(error["hint"].as_str().unwrap().len() > 10, "{error}");
        assert_eq!(agent.ended().await, 1000);
    }
}

#[tokio::test]
async fn a_certificate_of_ones_own_is_refused_and_shown_if_any_is_accepted() {
    let page = Page::new().await;
    let issued = rcgen::generate_simple_self_signed(vec!["far.example".into()]).unwrap();
    let (chain, key) = (issued.cert.pem(), issued.signing_key.serialize_pem());
    let tls = ServerTls::from_pem(&chain, &key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let far = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let tls = tls.clone();
            tokio::spawn(async move {
                let stream: TlsStream = tls.accept(tcp).await.ok()?;
                let mut ws = Server::new().accept(stream).await.ok()?;
                _ = ws.for_each(|event, link| drop(link.echo(event))).await;
                Some(())
            });
        }
    });
    let url = format!("wss://{far}/");
    let mut agent = page.dial(json!({"url": url})).await;
    let error = agent.until("error").await;
    assert_eq!(error["stage"], "tls", "{error}");

    let mut agent = page.dial(json!({"url": url, "insecure": true})).await;
    let tls = agent.until("tls").await;
    assert_eq!(tls["version"], "TLSv1.3");
    assert!(tls["cipher"].as_str().unwrap().starts_with("TLS_"), "{tls}");
    assert_eq!(
        (&tls["alpn"], &tls["verified"]),
        (&json!("http/1.1"), &json!(false))
    );
    let certificate = &tls["chain"][0];
    assert_eq!(certificate["names"], json!(["far.example"]));
    assert_eq!(certificate["subject"], certificate["issuer"]);
    assert!(certificate["from"].as_str().unwrap().ends_with('Z'));
    assert_eq!(certificate["sha256"].as_str().unwrap().len(), 64);
    agent.until("open").await;
    agent.say(json!({"op": "send", "text": "sealed"})).await;
    assert_eq!(agent.next().await["text"], "sealed");

    // Only that socket was so trusting.
    let mut agent = page.dial(json!({"url": url})).await;
    assert_eq!(agent.until("error").await["stage"], "tls");
}

#[tokio::test]
async fn frames_are_told_both_ways_with_fragments_and_masks() {
    let page = Page::new().await;
    let (far, mut tcp) = upgraded(&page, json!({"frames": true, "deflate": false})).await;
    let mut agent = far;
    tcp.write_all(&[0x01, 2, b'h', b'e', 0x89, 1, b'!', 0x80, 1, b'y', 0x8a, 0])
        .await
        .unwrap();
    let mut frames = Vec::new();
    let mut rest = Vec::new();
    while rest.len() < 3 {
        let event = agent.next().await;
        match event["ev"].as_str().unwrap() {
            "frame" if event["way"] == "in" => frames.push(event),
            "frame" => assert_eq!(event["name"], "pong"),
            _ => rest.push(event),
        }
    }
    let told: Vec<_> = frames
        .iter()
        .map(|f| (&f["name"], &f["fin"], &f["masked"], &f["head"]))
        .collect();
    assert_eq!(
        json!(told),
        json!([
            ["text", false, false, "0102"],
            ["ping", true, false, "8901"],
            ["continuation", true, false, "8001"],
            ["pong", true, false, "8a00"]
        ])
    );
    rest.sort_by_key(|event| event["ev"].to_string());
    assert_eq!(
        rest,
        [
            json!({"ev": "ping"}),
            json!({"ev": "pong", "rtt_ms": null}),
            json!({"ev": "text", "text": "hey"})
        ]
    );
    agent.say(json!({"op": "send", "text": "Hi"})).await;
    let frame = loop {
        let frame = agent.until("frame").await;
        if frame["name"] == "text" {
            break frame;
        }
    };
    let mask = frame["mask"].as_str().unwrap();
    assert_eq!(frame["head"], format!("8182{mask}"));
    let shape = json!([
        frame["way"],
        frame["opcode"],
        frame["length"],
        frame["wire"],
        frame["rsv1"]
    ]);
    assert_eq!(shape, json!(["out", 1, 2, 8, false]));
    // A frame that breaks the protocol is told like any other, and then what is wrong with it.
    tcp.write_all(&[0xB3, 0]).await.unwrap();
    let frame = agent.until("frame").await;
    assert_eq!(
        (&frame["name"], &frame["opcode"]),
        (&json!("reserved"), &json!(3))
    );
    let error = agent.until("error").await;
    assert_eq!(error["stage"], "protocol", "{error}");
    drop(tcp);
    let close = agent.until("close").await;
    assert_eq!(
        json!([close["code"], close["by"], close["clean"]]),
        json!([1002, "client", false])
    );
    assert_eq!(agent.ended().await, 1000);
}

#[tokio::test]
async fn ends_are_told_by_who_and_how() {
    let page = Page::new().await;
    let (mut agent, mut tcp) = upgraded(&page, json!({})).await;
    tcp.write_all(&[0x88, 6, 0x0f, 0xa0, b'g', b'o', b'n', b'e'])
        .await
        .unwrap();
    _ = tcp.shutdown().await;
    let close =
        json!({"ev": "close", "code": 4000, "reason": "gone", "by": "server", "clean": true});
    assert_eq!(agent.until("close").await, close);
    assert_eq!(agent.ended().await, 1000);

    let (mut agent, tcp) = upgraded(&page, json!({})).await;
    drop(tcp);
    let close = agent.until("close").await;
    assert_eq!(
        json!([close["code"], close["by"], close["clean"]]),
        json!([1006, "nobody", false])
    );
    assert_eq!(agent.ended().await, 1000);
}

#[tokio::test]
async fn a_page_that_leaves_takes_its_far_socket_along() {
    let page = Page::new().await;
    let (agent, mut tcp) = upgraded(&page, json!({})).await;
    drop(agent);
    let mut rest = Vec::new();
    let read = timeout(PATIENCE, async {
        // Its Close comes masked; then it waits for ours.
        let mut head = [0; 2];
        tcp.read_exact(&mut head).await.unwrap();
        assert_eq!(head, [0x88, 0x82]);
        tcp.shutdown().await.unwrap();
        tcp.read_to_end(&mut rest).await.unwrap();
    });
    read.await.unwrap();
}

#[tokio::test]
async fn a_page_that_does_not_read_slows_the_far_server_down() {
    let page = Page::new().await;
    let (mut agent, mut tcp) = upgraded(&page, json!({"frames": true})).await;
    let mut message = vec![0x82, 126, 0xff, 0xff];
    message.resize(4 + 0xffff, 7);
    let mut sent = 0_usize;
    while let Ok(written) = timeout(
        Duration::from_secs(2),
        tcp.write(&message[sent % message.len()..]),
    )
    .await
    {
        sent += written.unwrap();
        assert!(sent < 256 << 20, "nobody slows it down");
    }
    // All of it arrives when the page reads on.
    let whole = sent / message.len();
    assert!(whole > 3);
    let mut received = 0;
    while received < whole {
        if let Message::Binary(payload) = agent.any().await {
            assert_eq!(payload.len(), 0xffff);
            received += 1;
        }
    }
}

#[tokio::test]
async fn a_far_server_that_does_not_read_slows_the_page_down() {
    let page = Page::new().await;
    let (agent, mut tcp) = upgraded(&page, json!({"deflate": false})).await;
    let payload = vec![7; 1 << 20];
    let mut sent = 0;
    while let Ok(done) = timeout(Duration::from_secs(2), agent.ws.send(payload.clone())).await {
        done.unwrap();
        sent += 1;
        assert!(sent < 256, "nobody slows it down");
    }
    assert!(sent > 0);
    drop(agent);
    // And when the page is gone, that is noticed, though nothing was read from it.
    let all = timeout(PATIENCE, async {
        let mut chunk = vec![0; 1 << 20];
        while let Ok(1..) = tcp.read(&mut chunk).await {}
    });
    all.await.unwrap();
}

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

#[tokio::test]
async fn a_hub_that_stops_says_goodbye_to_both() {
    let page = Page::new().await;
    let (mut agent, mut tcp) = upgraded(&page, json!({})).await;
    let far = tokio::spawn(async move {
        let mut bytes = Vec::new();
        let mut head = [0; 8];
        tcp.read_exact(&mut head).await.unwrap();
        tcp.shutdown().await.unwrap();
        tcp.read_to_end(&mut bytes).await.unwrap();
        head[0]
    });
    let stopping = tokio::spawn(page.running.stop());
    assert_eq!(agent.ended().await, 1001);
    assert_eq!(timeout(PATIENCE, far).await.unwrap().unwrap(), 0x88);
    timeout(PATIENCE, stopping).await.unwrap().unwrap();
}

/// A far server that has upgraded, by hand, and the page's agent with it.
async fn upgraded(page: &Page, extra: Value) -> (Agent, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut open = json!({"url": format!("ws://{}/", listener.local_addr().unwrap())});
    open.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    let mut agent = page.dial(open).await;
    let (mut tcp, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let head = read_head(&mut tcp).await;
    tcp.write_all(&agreement(&head)).await.unwrap();
    agent.until("open").await;
    (agent, tcp)
}

/// How a page's socket ended.
async fn code(ws: &mut WebSocket) -> u16 {
    loop {
        match timeout(PATIENCE, ws.recv()).await.unwrap() {
            Ok(Some(_)) => {}
            Ok(None) => return ws.close_story().unwrap().code().into(),
            Err(Error::Closed(story)) => return story.code().into(),
            Err(error) => panic!("{error}"),
        }
    }
}
