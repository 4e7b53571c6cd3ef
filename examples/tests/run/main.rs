//! Every example is run as its first lines say, and does what it says.

#![allow(clippy::unwrap_used)]

mod connect_proxy; // a proxy of the tests' own
mod example; // runs an example
mod hub; // clients of a hub
mod reaching; // connecting, and agreeing on what is spoken
mod servers; // many clients, and the end of a server
mod transfers; // files and feeds

use example::NAMES;
use std::time::Duration;
use tidewire::WebSocket;

#[test]
fn no_example_is_left_out() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".rs").map(str::to_owned))
        .filter(|name| name != "lib")
        .collect();
    files.sort();
    assert_eq!(files, NAMES);
    let sources = [
        include_str!("hub.rs"),
        include_str!("reaching.rs"),
        include_str!("servers.rs"),
        include_str!("transfers.rs"),
    ];
    let list = include_str!("../../README.md");
    for name in NAMES {
        let text = std::fs::read_to_string(folder.join(format!("{name}.rs"))).unwrap();
        assert!(
            text.starts_with("//! How "),
            "{name} begins with its question"
        );
        assert!(
            list.contains(&format!("[{name}]({name}.rs)")),
            "{name} is not in README.md"
        );
        let run = [format!("start(\"{name}\""), format!("run(\"{name}\"")];
        assert!(
            sources
                .iter()
                .any(|source| run.iter().any(|run| source.contains(run))),
            "{name} is never run"
        );
    }
}

/// The next message within a minute, which is a text.
pub(crate) async fn text(ws: &mut WebSocket) -> String {
    let message = tokio::time::timeout(Duration::from_secs(60), ws.recv());
    let message = message.await.unwrap().unwrap();
    message.unwrap().try_into().unwrap()
}

/// Waits for something that happens in another process.
pub(crate) async fn until(mut happened: impl FnMut() -> bool) {
    let waiting = async {
        while !happened() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .unwrap();
}
