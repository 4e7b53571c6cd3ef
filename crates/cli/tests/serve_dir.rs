//! `tidewire serve --dir`: the files of a folder beside the hub's own paths, and nothing else.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

/// A hub that serves a folder, ended with the test.
struct Serve {
    child: Child,
    address: String,
    /// With `public` in it, which is served, and things beside it, which are not.
    folder: tempfile::TempDir,
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    }
}

impl Serve {
    fn start(prepare: impl FnOnce(&Path), args: &[&str]) -> Serve {
        let folder = tempfile::tempdir().unwrap();
        let public = folder.path().join("public");
        fs::create_dir(&public).unwrap();
        fs::write(folder.path().join("secret"), "SECRET").unwrap();
        prepare(&public);
        let mut child = tidewire()
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--quiet",
                "--shards",
                "2",
            ])
            .arg("--data")
            .arg(folder.path().join("data"))
            .arg("--dir")
            .arg(&public)
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.as_mut().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on http://").unwrap();
        Serve {
            address: address.trim_end_matches(['/', '\n']).to_owned(),
            child,
            folder,
        }
    }

    fn ask(&self, method: &str, path: &str, headers: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|at| at == b"\r\n\r\n").unwrap();
        let head = text(&answer[..end]);
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: answer[end + 4..].to_vec(),
        }
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "")
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn site(public: &Path) {
    fs::write(public.join("index.html"), "<p>mine").unwrap();
    fs::write(public.join("app.js"), "let x").unwrap();
    fs::write(public.join("data.bin"), (0..=255).collect::<Vec<u8>>()).unwrap();
    fs::write(public.join("a b ü.txt"), "space").unwrap();
    fs::create_dir_all(public.join("sub/deep")).unwrap();
    fs::write(public.join("sub/index.html"), "<p>sub").unwrap();
    fs::create_dir(public.join("chat")).unwrap();
    fs::write(public.join("chat/lobby"), "not this").unwrap();
    fs::write(public.join("status"), "not this").unwrap();
    fs::create_dir(public.join(".well-known")).unwrap();
    fs::write(public.join(".well-known/security.txt"), "open").unwrap();
}

#[test]
fn files_have_types_tags_and_ranges() {
    let hub = Serve::start(site, &[]);
    let page = hub.get("/");
    assert_eq!((page.status, &*page.body), (200, &b"<p>mine"[..]));
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("cache-control"), "no-cache");
    let script = hub.get("/app.js");
    assert_eq!(
        script.header("content-type"),
        "text/javascript; charset=utf-8"
    );
    let tag = script.header("etag");
    assert!(!tag.is_empty(), "{}", script.head);
    let known = hub.ask("GET", "/app.js", &format!("If-None-Match: {tag}\r\n"));
    assert_eq!((known.status, known.body.len()), (304, 0));
    let part = hub.ask("GET", "/data.bin", "Range: bytes=10-12\r\n");
    assert_eq!((part.status, &*part.body), (206, &[10, 11, 12][..]));
    assert_eq!(part.header("content-range"), "bytes 10-12/256");
    let beyond = hub.ask("GET", "/data.bin", "Range: bytes=900-\r\n");
    assert_eq!(beyond.status, 416);
    let head = hub.ask("HEAD", "/data.bin", "");
    assert_eq!(
        (head.status, head.header("content-length"), head.body.len()),
        (200, "256", 0)
    );
    assert_eq!(hub.get("/sub/").body, b"<p>sub");
    assert_eq!(hub.get("/a%20b%20%C3%BC.txt").body, b"space");
    assert_eq!(hub.get("/.well-known/security.txt").body, b"open");
    let to_folder = hub.get("/sub");
    assert!(
        (301..=308).contains(&to_folder.status),
        "{}",
        to_folder.head
    );
    assert_eq!(to_folder.header("location"), "/sub/");
    for path in ["/sub/deep/", "/nothing", "/app.js/x", "/app.js/"] {
        assert_eq!(hub.get(path).status, 404, "{path}");
    }
    assert_ne!(
        hub.ask("POST", "/app.js", "Content-Length: 0\r\n").status,
        200
    );
}

#[test]
fn the_hub_s_own_paths_win() {
    let hub = Serve::start(site, &[]);
    for path in ["/chat/lobby", "/status", "/healthz"] {
        let answer = hub.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(!text(&answer.body).contains("not this"), "{path}");
    }
    let url = format!("ws://{}/chat/lobby", hub.address);
    let output = run(&[&url, "-x", "hi", "-w", "0.5"], b"");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    // Without an index.html the front page is the hub's.
    let hub = Serve::start(|public| fs::write(public.join("x.txt"), "x").unwrap(), &[]);
    assert!(text(&hub.get("/").body).contains("Tidewire"));
    assert_eq!(hub.get("/x.txt").body, b"x");
}

#[test]
fn no_path_leads_out_or_to_what_is_hidden() {
    let hub = Serve::start(
        |public| {
            site(public);
            fs::write(public.join(".env"), "SECRET").unwrap();
            fs::create_dir(public.join(".git")).unwrap();
            fs::write(public.join(".git/config"), "SECRET").unwrap();
            symlink("../secret", public.join("out")).unwrap();
            symlink("..", public.join("up")).unwrap();
            symlink("/etc", public.join("etc")).unwrap();
            symlink(".env", public.join("plain")).unwrap();
            symlink("app.js", public.join("alias.js")).unwrap();
            symlink("round", public.join("round")).unwrap();
            let fifo = public.join("pipe");
            let made = std::process::Command::new("mkfifo").arg(&fifo).status();
            assert!(made.unwrap().success());
        },
        &[],
    );
    for path in [
        "/../secret",
        "/..%2fsecret",
        "/%2e%2e/secret",
        "/%2E%2E%2Fsecret",
        "/sub/../../secret",
        "/sub/..%5c..%5csecret",
        "/..\\secret",
        "/%252e%252e/secret",
        "/..%c0%afsecret",
        "/..%00/secret",
        "/secret%00.txt",
        "/out",
        "/up/secret",
        "/up/",
        "/etc/passwd",
        "/etc/",
        "/plain",
        "/round",
        "/pipe",
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/.git/",
        "/sub/../.env",
        "/.well-known/../.env",
        "//etc/passwd",
        "//../secret",
        "/%2fetc%2fpasswd",
        "/./.env",
        "/%ff%fe",
        "/%",
    ] {
        let answer = hub.get(path);
        assert!(
            (400..500).contains(&answer.status),
            "{path}: {}",
            answer.head
        );
        let body = text(&answer.body);
        assert!(
            !body.contains("SECRET") && !body.contains("root:"),
            "{path}: {body}"
        );
    }
    // Redirects stay here.
    for path in [
        "//sub",
        "//example.com/..%2fsub",
        "/%2f%2fexample.com/%2e%2e",
    ] {
        let answer = hub.get(path);
        assert_eq!(answer.header("location"), "", "{path}: {}", answer.head);
    }
    let long = format!("/{}", "a/".repeat(5000));
    assert!((400..500).contains(&hub.get(&long).status));
    assert_eq!(
        hub.get("/alias.js").body,
        b"let x",
        "a link within is a file"
    );
    // What is put there later is judged when it is asked for.
    let public = hub.folder.path().join("public");
    fs::remove_file(public.join("app.js")).unwrap();
    symlink("../secret", public.join("app.js")).unwrap();
    assert_eq!(hub.get("/app.js").status, 404);
    assert_eq!(hub.get("/alias.js").status, 404);
}

#[test]
fn a_folder_that_is_none_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let data = folder.path().join("data");
    for dir in [folder.path().join("nothing"), file] {
        let args = [
            "serve",
            "--listen",
            "0",
            "--data",
            data.to_str().unwrap(),
            "--dir",
        ];
        let output = run(&[&args[..], &[dir.to_str().unwrap()]].concat(), b"");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("cannot serve the files of"), "{said}");
    }
    assert!(!data.exists(), "nothing was begun");
}
