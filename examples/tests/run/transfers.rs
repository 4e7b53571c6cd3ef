//! Files and feeds.

use crate::example::{self, Example};
use crate::until;
use std::path::PathBuf;
use tidewire::Kind;

#[tokio::test]
async fn a_file_arrives_whole_and_is_never_in_memory() {
    let (folder, uploads) = (Folder::new("from"), Folder::new("uploads"));
    let saved_to = uploads.0.to_str().unwrap();
    let server = Example::start("streaming_upload", &["serve", "127.0.0.1:0", saved_to]).await;
    // Larger than any message that `recv` would take.
    let data = noise(64 * 1024 * 1024);
    let file = folder.0.join("file");
    std::fs::write(&file, &data).unwrap();
    let file = file.to_str().unwrap();

    let output = example::run("streaming_upload", &["send", &server.url, file]).await;
    assert!(output.contains("sent 67108864 bytes"), "{output}");
    assert!(output.contains("saved 67108864 bytes"), "{output}");
    let files = uploads.files();
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(std::fs::read(&files[0]).unwrap() == data, "other bytes");
    #[cfg(target_os = "linux")]
    assert!(peak_memory(server.id()) < data.len() / 2);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing_behind() {
    let uploads = Folder::new("broken");
    let saved_to = uploads.0.to_str().unwrap();
    let server = Example::start("streaming_upload", &["serve", "127.0.0.1:0", saved_to]).await;
    let ws = tidewire::connect(&server.url).await.unwrap();
    let mut message = ws.send_stream(Kind::Binary);
    message.write(noise(200_000)).await.unwrap();
    message.flush().await.unwrap();
    until(|| uploads.files().len() == 1).await;
    drop(message);
    drop(ws);
    until(|| uploads.files().is_empty()).await;
}

#[tokio::test]
async fn a_feed_has_no_gap_though_its_server_was_killed() {
    let server = Example::start("reconnecting_feed", &["serve", "127.0.0.1:0"]).await;
    let url = server.url.clone();
    let mut client = Example::spawn("reconnecting_feed", &["follow", &url]);
    let event =
        async |client: &mut Example| -> u64 { client.line_after("event ").await.parse().unwrap() };
    let first = event(&mut client).await;
    for expected in first + 1..first + 4 {
        assert_eq!(event(&mut client).await, expected);
    }
    server.kill().await;
    let mut last = loop {
        let line = client.line().await;
        if line.starts_with("lost: ") {
            break first + 3;
        }
        // What was under way still comes.
        let came: u64 = line.strip_prefix("event ").unwrap().parse().unwrap();
        assert!(came > first + 3, "{line}");
    };
    let _server = Example::start("reconnecting_feed", &["serve", &url["ws://".len()..]]).await;
    for _ in 0..10 {
        last += 1;
        assert_eq!(event(&mut client).await, last);
    }
}

/// A folder of this test's own; removed when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = format!("tidewire-examples-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn files(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(&self.0).unwrap();
        files.map(|entry| entry.unwrap().path()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Bytes that neither repeat nor compress.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..bytes / 8).flat_map(|_| next()).collect()
}

/// The most memory that a process has had, in bytes.
#[cfg(target_os = "linux")]
fn peak_memory(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: usize = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kib * 1024
}
