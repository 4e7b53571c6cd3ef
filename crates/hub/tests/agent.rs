//! The tester's local agent: what goes over the wire is told to the page.
#![allow(clippy::unwrap_used)]

mod common;
mod far;

use far::*;
use serde_json::{Value, json};
use tidewire::Server;
use tidewire::tls::{ServerTls, TlsStream};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

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
