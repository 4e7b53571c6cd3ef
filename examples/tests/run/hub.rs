//! Clients of a hub, and a hub for them.

use crate::example::Example;
use std::path::Path;
use std::time::Duration;
use tidewire_hub::{Config, Hub};

/// A development hub; its durable channels are in `folder`.
async fn hub(listen: &str, folder: &Path) -> Hub {
    let mut config = Config::development();
    config.listen = vec![listen.to_owned()];
    config.data = folder.to_owned();
    config.shards = 1;
    Hub::start(config, |_| {}).await.unwrap()
}

/// Publishes, and waits until it is kept.
async fn publish(url: &str, text: &str) {
    let mut ws = tidewire::connect(url).await.unwrap();
    let command = format!(r#"{{"op":"publish","id":1,"channel":"lobby","text":"{text}"}}"#);
    ws.send(command).await.unwrap();
    while !crate::text(&mut ws).await.starts_with(r#"{"op":"ok""#) {}
    ws.close(1000, "").await.unwrap();
}

#[tokio::test]
async fn a_channel_has_no_gap_though_its_hub_was_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let first = hub("127.0.0.1:0", folder.path()).await;
    let address = first.addrs()[0].to_string();
    let url = format!("ws://{address}/ws");
    let mut client = Example::spawn("hub_client", &[&url, "lobby"]);
    assert_eq!(client.line().await, "following");
    publish(&url, "one").await;
    assert!(client.line().await.contains(r#""text":"one""#));

    first.shut_down(Duration::from_secs(20)).await;
    let lost = client.line().await;
    assert!(
        lost.starts_with("lost: ") && lost.contains("4001"),
        "{lost}"
    );

    // Before the client is back, or just after: it makes no difference.
    let _second = hub(&address, folder.path()).await;
    publish(&url, "two").await;
    publish(&url, "three").await;
    for expected in ["two", "three"] {
        // Attempts in vain may come in between.
        let message = client.line_after(r#"{"op":"message","#).await;
        assert!(
            message.contains(&format!(r#""text":"{expected}""#)),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_channel_that_may_not_be_had_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub("127.0.0.1:0", folder.path()).await;
    let url = format!("ws://{}/ws", hub.addrs()[0]);
    let output = crate::example::command("hub_client", &[&url, "nowhere:lobby"]);
    let output = crate::example::outcome(output).await;
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no namespace"), "{said}");
}
