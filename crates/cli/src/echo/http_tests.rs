//! The HTTP side over a pair of pipes: page, files, refusals.
#![allow(clippy::unwrap_used)]

use super::*;
use base64::Engine as _;
use sha2::{Digest, Sha256};

/// Sends `request` and gives back the whole answer, which must end the connection.
async fn ask(pages: &Pages, request: &str) -> String {
    let (mut far, near) = tokio::io::duplex(1 << 20);
    let head = Bytes::copy_from_slice(request.as_bytes());
    let far_side = async {
        let mut answer = Vec::new();
        far.read_to_end(&mut answer).await.unwrap();
        drop(far);
        String::from_utf8(answer).unwrap()
    };
    let ((), answer) = tokio::join!(serve(head, near, pages), far_side);
    answer
}

async fn get(pages: &Pages, path: &str) -> String {
    ask(
        pages,
        &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    )
    .await
}

fn site() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let public = dir.path().join("public");
    std::fs::create_dir_all(public.join("sub")).unwrap();
    std::fs::create_dir_all(public.join(".git")).unwrap();
    std::fs::write(dir.path().join("secret.txt"), "secret").unwrap();
    std::fs::write(public.join(".git/config"), "secret").unwrap();
    std::fs::write(public.join("app.js"), "let x;").unwrap();
    std::fs::write(public.join("sub/index.html"), "<p>sub").unwrap();
    dir
}

#[tokio::test]
async fn the_page_is_whole_and_locked_down() {
    let pages = Pages::new(None).unwrap();
    let answer = get(&pages, "/?x=1").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(
        head.to_lowercase().contains("\r\nconnection: close"),
        "{head}"
    );
    assert!(
        head.contains("content-type: text/html; charset=utf-8"),
        "{head}"
    );
    assert!(
        head.contains("content-security-policy: default-src 'none';"),
        "{head}"
    );
    assert_eq!(body, PAGE);
}

#[test]
fn the_policy_names_the_page_s_own_style_and_script() {
    for (tag, directive) in [("style", "style-src"), ("script", "script-src")] {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        assert_eq!(PAGE.matches(&open).count(), 1);
        let inner = PAGE
            .split_once(&open)
            .unwrap()
            .1
            .split_once(&close)
            .unwrap()
            .0;
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(inner));
        let expected = format!("{directive} 'sha256-{hash}'");
        assert!(
            PAGE_POLICY.contains(&expected),
            "the policy should say {expected}"
        );
    }
    for forbidden in ["innerHTML", "style=", "onclick=", "http://", "https://"] {
        assert!(!PAGE.contains(forbidden), "the page contains {forbidden}");
    }
}

#[tokio::test]
async fn head_has_no_body_and_other_methods_are_refused() {
    let pages = Pages::new(None).unwrap();
    let answer = ask(&pages, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(
        answer.contains(&format!("content-length: {}\r\n", PAGE.len())),
        "{answer}"
    );
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    let answer = ask(
        &pages,
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    assert!(answer.contains("\r\nallow: GET, HEAD\r\n"), "{answer}");
}

#[tokio::test]
async fn other_paths_say_what_this_is() {
    let pages = Pages::new(None).unwrap();
    let answer = get(&pages, "/chat").await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    assert!(answer.contains("WebSocket server"), "{answer}");
}

#[tokio::test]
async fn files_have_their_types_and_folders_their_index() {
    let dir = site();
    let pages = Pages::new(Some(&dir.path().join("public"))).unwrap();
    let answer = get(&pages, "/app.js").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(
        answer.contains("content-type: text/javascript; charset=utf-8"),
        "{answer}"
    );
    assert!(answer.ends_with("\r\n\r\nlet x;"), "{answer}");
    assert!(get(&pages, "/sub/").await.ends_with("<p>sub"));
    assert!(
        get(&pages, "/").await.ends_with(PAGE),
        "without an index the tester is at /"
    );
    std::fs::write(dir.path().join("public/index.html"), "<p>mine").unwrap();
    assert!(get(&pages, "/").await.ends_with("<p>mine"));
    assert!(get(&pages, "/none").await.starts_with("HTTP/1.1 404 "));
    let answer = ask(&pages, "HEAD /app.js HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(
        answer.contains("content-length: 6\r\n") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn nothing_outside_the_directory_and_nothing_hidden_is_served() {
    let dir = site();
    let pages = Pages::new(Some(&dir.path().join("public"))).unwrap();
    for path in [
        "/../secret.txt",
        "/sub/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/.%2e/secret.txt",
        "/..%2fsecret.txt",
        "/sub/..%5c..%5csecret.txt",
        "/sub%2f..%2f..%2fsecret.txt",
        "//../secret.txt",
        "//sub",
        "/%00../secret.txt",
        "/.git/config",
        "/%2Egit/config",
        "/%2egit%2fconfig",
    ] {
        let answer = get(&pages, path).await;
        assert!(!answer.contains("\r\n\r\nsecret"), "{path} gave {answer}");
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path} gave {answer}");
    }
}

#[test]
fn a_directory_that_is_none_is_told_at_the_start() {
    let error = Pages::new(Some(Path::new("/no/such/dir"))).err().unwrap();
    assert!(error.contains("--dir takes a directory"), "{error}");
}
