//! `tidewire bench` against `tidewire echo`: the report is there, and failures are told.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;

#[test]
fn a_short_run_gives_one_json_object_with_checked_messages() {
    let echo = Echo::start(&["--threads", "1"]);
    let pid = echo.child.id().to_string();
    let output = run(
        &[
            "bench",
            &echo.url(),
            "-c",
            "4",
            "-s",
            "1KiB",
            "-d",
            "2",
            "--duration",
            "0.3",
            "--warmup",
            "0.1",
            "--pid",
            &pid,
            "--json",
        ],
        b"",
    );
    let (json, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{json}{said}");
    assert_eq!(said, "", "stderr is quiet where no terminal is");
    assert_eq!(json.lines().count(), 1, "{json}");
    assert!(
        json.starts_with("{\"connections\":4,\"size\":1024,\"depth\":2,"),
        "{json}"
    );
    assert!(json.contains("\"errors\":0,"), "{json}");
    for field in ["messages_per_second", "p999", "count", "client_cpu_seconds"] {
        assert!(
            json.contains(&format!("\"{field}\":")),
            "{field} is not in {json}"
        );
    }
    assert!(!json.contains("\"messages\":0,"), "{json}");
    #[cfg(target_os = "linux")]
    assert!(!json.contains("\"server_cpu_seconds\":null"), "{json}");
}

#[test]
fn people_get_lines() {
    let echo = Echo::start(&[]);
    let args = [
        "bench",
        &echo.url(),
        "-c",
        "2",
        "--duration",
        "0.2",
        "--warmup",
        "0",
    ];
    let output = run(&args, b"");
    let said = text(&output.stdout);
    assert!(
        said.contains("throughput") && said.contains("latency"),
        "{said}"
    );
    assert!(!said.contains('\x1b') && !said.contains('\r'), "{said:?}");
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let free = std::net::TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let output = run(&["bench", &format!("127.0.0.1:{free}"), "-c", "2"], b"");
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    assert!(text(&output.stderr).starts_with("error: no connection could be opened"));
    let output = run(&["bench", "ftp://127.0.0.1/"], b"");
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}
