//! The full pages as the hub serves them: types, policies, caches, and who may load what.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "../build/manifest.rs"]
mod manifest;

use common::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tidewire_hub::config::Pages;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

async fn ask(hub: &Running, method: &str, path: &str, headers: &str) -> Answer {
    let host = if headers.contains("Host:") {
        ""
    } else {
        "Host: localhost\r\n"
    };
    let request = format!("{method} {path} HTTP/1.1\r\n{host}{headers}Connection: close\r\n\r\n");
    let mut tcp = TcpStream::connect(hub.hub.addrs()[0]).await.unwrap();
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, tcp.read_to_end(&mut answer));
    read.await.unwrap().unwrap();
    let end = answer.windows(4).position(|at| at == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_owned(), value.to_owned())
    });
    Answer {
        status: status.parse().unwrap(),
        headers: headers.collect(),
        body: answer[end + 4..].to_vec(),
    }
}

async fn get(hub: &Running, path: &str) -> Answer {
    ask(hub, "GET", path, "").await
}

fn dist() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/dist")
}

/// A hub with the full pages, and what they are; `None`: they were not built here.
async fn with_full_pages() -> Option<(Running, Vec<manifest::Entry>)> {
    let hub = start(in_memory()).await;
    if get(&hub, "/status")
        .await
        .text()
        .contains("\"pages\":\"full\"")
    {
        let text = std::fs::read_to_string(dist().join("manifest.tsv")).unwrap();
        return Some((hub, manifest::parse(&text).unwrap()));
    }
    assert_ne!(std::env::var("TIDEWIRE_WEB").as_deref(), Ok("require"));
    // Past the capture of the test harness: `cargo xtask unit` counts it as not run.
    use std::io::Write;
    let words = "\nNOT RUN: the full pages: this build has none, for there was no Node\n";
    std::io::stdout().write_all(words.as_bytes()).unwrap();
    None
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 16 << 20];
    let config = zlib_rs::InflateConfig { window_bits: 31 };
    let (plain, code) = zlib_rs::decompress_slice(&mut out, bytes, config);
    assert_eq!(code, zlib_rs::ReturnCode::Ok);
    plain.to_vec()
}

fn kind(file: &str) -> &'static str {
    match file.rsplit('.').next().unwrap() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn every_file_is_served_with_its_type_its_policy_and_its_cache() {
    let Some((hub, entries)) = with_full_pages().await else {
        return;
    };
    for entry in &entries {
        let path = entry.url.replace('*', "some%20room");
        let wanted = std::fs::read(dist().join(&entry.file)).unwrap();
        let answer = get(&hub, &path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.body == wanted, "{path}");
        assert_eq!(answer.header("content-type"), kind(&entry.file), "{path}");
        assert_eq!(answer.header("vary"), "Accept-Encoding", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        let names = if path == "/tester" {
            "tidewire-matcher"
        } else {
            "'none'"
        };
        assert!(
            policy.ends_with(&format!("; trusted-types {names}")),
            "{path}: {policy}"
        );
        let is_hashed = path.starts_with("/assets/") && path != "/assets/favicon.svg";
        let cache = answer.header("cache-control");
        if is_hashed {
            assert_eq!(cache, "public, max-age=31536000, immutable", "{path}");
        } else {
            assert_eq!(cache, "no-cache", "{path}");
        }

        let small = ask(&hub, "GET", &path, "Accept-Encoding: br, gzip\r\n").await;
        if small.header("content-encoding") == "gzip" {
            assert!(small.body.len() < wanted.len(), "{path}");
            assert!(gunzip(&small.body) == wanted, "{path}");
        } else {
            assert!(small.body == wanted, "{path}");
            assert!(wanted.len() < 300, "{path} is not compressed");
        }
        let none = ask(&hub, "GET", &path, "Accept-Encoding: gzip;q=0\r\n").await;
        assert_eq!(none.header("content-encoding"), "", "{path}");

        let tag = answer.header("etag");
        assert_eq!(small.header("etag"), tag, "{path}");
        let known = ask(
            &hub,
            "GET",
            &path,
            &format!("If-None-Match: \"x\", {tag}\r\n"),
        )
        .await;
        assert_eq!((known.status, known.body.len()), (304, 0), "{path}");
        assert_eq!(known.header("etag"), tag, "{path}");
        assert_eq!(known.header("cache-control"), cache, "{path}");
        let other = ask(&hub, "GET", &path, "If-None-Match: W/\"x\"\r\n").await;
        assert_eq!(other.status, 200, "{path}");

        let head = ask(&hub, "HEAD", &path, "").await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-length"), wanted.len().to_string());
    }
    let urls: Vec<&str> = entries.iter().map(|entry| entry.url.as_str()).collect();
    for url in [
        "/",
        "/tester",
        "/tester.html",
        "/chat/*",
        "/demos",
        "/tidewire.js",
        "/chat.js",
    ] {
        assert!(urls.contains(&url), "{url}");
    }
    let channel = get(&hub, "/c/live%3Ax").await;
    assert_eq!(channel.body, get(&hub, "/chat/lobby").await.body);
    let copy = get(&hub, "/tester.html").await;
    let told = "attachment; filename=\"tidewire-tester.html\"";
    assert_eq!(copy.header("content-disposition"), told);
    assert_eq!(get(&hub, "/tester").await.header("content-disposition"), "");
    assert!(!get(&hub, "/").await.text().contains("cargo xtask web"));
}

#[tokio::test]
async fn two_scripts_are_for_pages_of_every_site_and_nothing_else_is() {
    let Some((hub, entries)) = with_full_pages().await else {
        return;
    };
    for entry in &entries {
        let path = entry.url.replace('*', "lobby");
        for origin in ["https://shop.example", "null"] {
            let answer = ask(&hub, "GET", &path, &format!("Origin: {origin}\r\n")).await;
            let resource = answer.header("cross-origin-resource-policy");
            if matches!(path.as_str(), "/tidewire.js" | "/chat.js") {
                assert_eq!(answer.status, 200, "{path} {origin}");
                assert_eq!(answer.header("access-control-allow-origin"), "*");
                assert_eq!(resource, "cross-origin");
            } else {
                assert_eq!(answer.status, 403, "{path} {origin}");
                assert_eq!(answer.header("access-control-allow-origin"), "");
            }
        }
        let foreign = ask(&hub, "GET", &path, "Host: evil.example\r\n").await;
        assert_eq!(foreign.status, 403, "{path}");
        assert_eq!(foreign.header("access-control-allow-origin"), "");
    }
    let own = get(&hub, "/tester").await;
    assert_eq!(own.header("cross-origin-resource-policy"), "same-origin");
}

#[tokio::test]
async fn what_is_not_there_is_told_in_a_sentence() {
    let hub = start(in_memory()).await;
    for path in [
        "/assets/../src/lib.rs",
        "/assets/%2e%2e/manifest.tsv",
        "/assets/..%2fmanifest.tsv",
        "/demos/../../etc/passwd",
        "/demos/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/chat/*/x",
        "/manifest.tsv",
        "/inputs.tsv",
        "/landing.html",
        "/tidewire.js.gz",
        "/tester/",
        "/nothing",
        "//tester",
    ] {
        let answer = get(&hub, path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert!(answer.text().ends_with(".\n"), "{path}: {}", answer.text());
    }
    // A room may be called that.
    assert_eq!(get(&hub, "/chat/*").await.status, 200);
    for (method, path) in [
        ("POST", "/tester"),
        ("DELETE", "/nothing"),
        ("PUT", "/tidewire.js"),
    ] {
        assert_eq!(
            ask(&hub, method, path, "").await.status,
            404,
            "{method} {path}"
        );
    }
}

/// What only the full pages have is not there, and is told with these words.
async fn full_pages_are_missing(hub: &Running, words: &str) {
    for path in [
        "/tester",
        "/demos",
        "/demos/prices",
        "/tester.html",
        "/chat.js",
        "/tidewire.js",
    ] {
        let answer = get(hub, path).await;
        assert_eq!(answer.status, 404, "{path}");
        let text = answer.text();
        assert!(text.contains(words), "{path}: {text}");
    }
}

#[tokio::test]
async fn plain_pages_and_none_are_a_matter_of_configuration() {
    let mut config = in_memory();
    config.pages = Pages::Plain;
    let hub = start(config).await;
    for path in ["/", "/chat/lobby", "/c/live%3Ax", "/assets/style.css"] {
        assert_eq!(get(&hub, path).await.status, 200, "{path}");
    }
    assert!(get(&hub, "/").await.text().contains("assets/index.js"));
    assert!(
        get(&hub, "/status")
            .await
            .text()
            .contains("\"pages\":\"plain\"")
    );
    full_pages_are_missing(&hub, "\"pages\"").await;
    let mut config = in_memory();
    config.pages = Pages::Off;
    let hub = start(config).await;
    for path in [
        "/",
        "/chat/lobby",
        "/c/live%3Ax",
        "/assets/style.css",
        "/tester",
        "/tidewire.js",
    ] {
        let answer = get(&hub, path).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    assert!(
        get(&hub, "/status")
            .await
            .text()
            .contains("\"pages\":\"off\"")
    );
    assert_eq!(get(&hub, "/chat/%ff").await.status, 400);
    hub.open("/chat/lobby").await;
    hub.open("/").await;
}

/// Of a binary without the full pages, which CI has when it tests that.
#[tokio::test]
async fn a_binary_without_the_full_pages_says_how_to_get_them() {
    let hub = start(in_memory()).await;
    if get(&hub, "/status")
        .await
        .text()
        .contains("\"pages\":\"full\"")
    {
        assert!(!get(&hub, "/").await.text().contains("cargo xtask web"));
        return;
    }
    assert!(get(&hub, "/").await.text().contains("cargo xtask web"));
    assert_eq!(get(&hub, "/chat/lobby").await.status, 200);
    full_pages_are_missing(&hub, "cargo xtask web").await;
}
