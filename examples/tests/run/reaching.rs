//! Connecting, and agreeing on what is spoken.

use crate::connect_proxy;
use crate::example::{self, Example};

#[tokio::test]
async fn the_client_talks_to_the_echo_server() {
    let server = Example::start("echo_server", &["127.0.0.1:0"]).await;
    let output = example::run("client", &[&server.url]).await;
    assert!(output.contains("Some(\"hello\")"), "{output}");
    assert!(output.contains("closed by us with 1000"), "{output}");
}

#[tokio::test]
async fn subprotocols_are_agreed_on_in_the_servers_order() {
    let output = example::run("subprotocols", &[]).await;
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(lines.len(), 3, "{output}");
    assert!(lines[0].contains("agreed on Some(\"chat.v2\")"), "{output}");
    assert!(lines[1].contains("agreed on Some(\"chat.v1\")"), "{output}");
    assert!(lines[2].contains("1002"), "{output}");
}

#[tokio::test]
async fn tls_is_trusted_by_who_knows_the_certificate_and_by_nobody_else() {
    let output = example::run("tls", &[]).await;
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(lines.len(), 2, "{output}");
    assert!(
        lines[0].contains(r#"over TLS: Some(Text("hello"))"#),
        "{output}"
    );
    assert!(lines[1].starts_with("refused: "), "{output}");
}

#[tokio::test]
async fn a_proxy_is_passed_whether_an_argument_or_the_environment_names_it() {
    let server = Example::start("echo_server", &["127.0.0.1:0"]).await;
    let target = server.url.strip_prefix("ws://").unwrap();
    let (proxy, mut requests) = connect_proxy::start(target.parse().unwrap()).await;
    let proxy = format!("http://me:s3cr3t@{proxy}");
    let is_whole = |output: &str| {
        assert!(output.contains(r#"Some(Text("hello"))"#), "{output}");
        assert!(output.contains("closed by us with 1000"), "{output}");
    };

    // Only the proxy knows this name.
    is_whole(&example::run("proxy", &["ws://chat.example/", &proxy]).await);
    let request = requests.recv().await.unwrap();
    assert_eq!(request, "CONNECT chat.example:80 HTTP/1.1");

    let mut from_environment = example::command("proxy", &["ws://feed.example:81/"]);
    from_environment
        .env("http_proxy", &proxy)
        .env("NO_PROXY", "chat.example");
    let output = example::outcome(from_environment).await;
    is_whole(&String::from_utf8_lossy(&output.stdout));
    let request = requests.recv().await.unwrap();
    assert_eq!(request, "CONNECT feed.example:81 HTTP/1.1");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_and_says_why() {
    let (proxy, _requests) = connect_proxy::start("127.0.0.1:1".parse().unwrap()).await;
    let url = format!("http://me:hunter2@{proxy}");
    let output = example::outcome(example::command("proxy", &["ws://chat.example/", &url])).await;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{errors}");
    for said in ["not for guests", &proxy.to_string(), "403"] {
        assert!(errors.contains(said), "{errors}");
    }
    assert!(!errors.contains("hunter2"), "{errors}");
}

#[tokio::test]
async fn json_that_cannot_be_read_is_answered_and_the_connection_goes_on() {
    let output = example::run("json_messages", &[]).await;
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(lines.len(), 5, "{output}");
    assert_eq!(lines[0], "Some(Sum { value: 42 })");
    assert!(
        lines[1].contains("Error") && lines[1].contains("unknown variant `divide`"),
        "{output}"
    );
    assert!(
        lines[2].contains("Error") && lines[2].contains("line 1 column 1"),
        "{output}"
    );
    assert_eq!(lines[3], r#"Some(Greeting { text: "hello, Ann" })"#);
    assert!(lines[4].contains("closed by us with 1000"), "{output}");
}
