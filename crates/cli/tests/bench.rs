//! `tidewire bench` against `tidewire echo`, a hub, and servers that must be found out: what it tells,
//! what it writes, and its exit codes.
#![allow(clippy::unwrap_used)]

mod common;
mod hub_common;

use common::*;
use serde_json::Value;
use std::process::Output;

/// Runs `tidewire bench URL` briefly, with more arguments.
fn bench(url: &str, more: &str) -> Output {
    let mut args = vec!["bench", url, "--warmup", "0.05", "--connect-timeout", "5"];
    if !more.contains("--duration") {
        args.extend(["--duration", "0.3"]);
    }
    args.extend(more.split_whitespace());
    run(&args, b"")
}

/// The object that `--json` prints. A machine with much else to do may well make the client the limit.
fn json(output: &Output) -> Value {
    let (out, said) = (text(&output.stdout), text(&output.stderr));
    assert!(matches!(output.status.code(), Some(0 | 13)), "{out}{said}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{said}"))
}

#[test]
fn a_short_run_gives_one_json_object_with_checked_messages() {
    let echo = Echo::start(&["--threads", "1"]);
    let pid = echo.child.id().to_string();
    let output = bench(
        &echo.url(),
        &format!("-c 4 --size 1KiB -d 2 --pid {pid} --json"),
    );
    let report = json(&output);
    assert_eq!(text(&output.stderr), "", "quiet where no terminal is");
    for (field, value) in [
        ("connections", 4),
        ("size", 1024),
        ("depth", 2),
        ("errors", 0),
    ] {
        assert_eq!(report[field], value, "{report}");
    }
    assert!(report["messages"].as_u64() > Some(0), "{report}");
    assert_eq!(report["sent"], report["verified"], "{report}");
    for field in [
        "/latency_us/p999",
        "/latency_us/count",
        "/client_cpu_seconds",
        "/connect_us/p99",
    ] {
        assert!(
            report.pointer(field).is_some_and(Value::is_number),
            "{field}: {report}"
        );
    }
    #[cfg(target_os = "linux")]
    assert!(
        report["server_cpu_seconds"].as_f64() > Some(0.0),
        "{report}"
    );
}

#[test]
fn people_get_lines() {
    let echo = Echo::start(&[]);
    let said = text(&bench(&echo.url(), "-c 2").stdout);
    for words in [
        "throughput",
        "latency",
        "closed loop: tail latency is optimistic",
        "lost 0",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains('\x1b') && !said.contains('\r'), "{said:?}");
}

#[test]
fn an_open_load_tells_latency_from_the_schedule_and_service_time_beside_it() {
    let echo = Echo::start(&[]);
    let report = json(&bench(&echo.url(), "-c 3 --rate 200/s --threads 2 --json"));
    assert_eq!(
        (&report["rate"], &report["threads"]),
        (&200.0.into(), &2.into())
    );
    let p50 = |of: &str| report[of]["p50"].as_f64().unwrap();
    assert!(p50("service_us") <= p50("latency_us") + 1.0, "{report}");
    assert_eq!(
        report["latency_us"]["untrusted"][0], "p90",
        "60 samples: {report}"
    );
    let said = text(&bench(&echo.url(), "-c 3 --rate 200").stdout);
    assert!(
        said.contains("open loop at 200/s") && said.contains("service"),
        "{said}"
    );
    assert!(said.contains("? fewer than 10 samples"), "{said}");
}

#[test]
fn each_mode_measures() {
    let echo = Echo::start(&[]);
    for (mode, more) in [
        ("ping", ""),
        ("idle", "--rate 50"),
        ("connect", "--rate 50"),
        ("echo", "--text -z --size 4000"),
    ] {
        let output = bench(&echo.url(), &format!("-c 2 --mode {mode} {more} --json"));
        let report = json(&output);
        assert_eq!(
            (&report["mode"], &report["errors"]),
            (&mode.into(), &0.into()),
            "{report}"
        );
        assert!(report["latency_us"]["count"].as_u64() > Some(0), "{report}");
    }
    let output = bench(&echo.url(), "-c 3 --mode idle");
    assert!(text(&output.stdout).contains("held        3 of 3 stayed"));
}

#[test]
fn what_a_server_pushes_is_counted() {
    let (port, thread) = server(|stream, head| {
        switch(stream, head, "");
        assert_eq!(receive(stream), (1, b"all".to_vec()));
        loop {
            let frame = frame(1, b"news");
            if std::io::Write::write_all(stream, &frame).is_err() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    });
    let url = format!("127.0.0.1:{port}");
    let output = bench(&url, "-c 1 --mode push --hello all");
    let said = text(&output.stdout);
    assert!(
        said.starts_with("push, 1 connections"),
        "{said}{}",
        text(&output.stderr)
    );
    assert!(said.contains("\ngap  "), "{said}");
    thread.join().unwrap();
}

const HUB: &str = r#"
[namespaces.live]
storage = "memory"
subscribe = "anyone"
publish = "anyone"
rate = 1000000
burst = 1000000
"#;

#[test]
fn a_channel_of_a_hub_reaches_all_subscribers() {
    let hub = hub_common::Hub::start(HUB);
    let url = format!("ws://{}/ws", hub.addr());
    for load in ["--rate 100", "--threads 2"] {
        let report = json(&bench(&url, &format!("--mode pubsub -c 5 {load} --json")));
        assert_eq!(report["errors"], 0, "{report}");
        let (sent, verified) = (report["sent"].as_u64(), report["verified"].as_u64());
        assert!(sent > Some(0), "{report}");
        assert_eq!(
            verified,
            sent.map(|sent| sent * 5),
            "all reached all: {report}"
        );
    }
    let output = bench(&url, "--mode pubsub -c 1 --channel nowhere:at:all!:x");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(9), "{said}");
    assert!(said.contains("unknown_namespace"), "{said}");
    let echo = Echo::start(&[]);
    let output = bench(&echo.url(), "--mode pubsub -c 1");
    assert_ne!(output.status.code(), Some(0), "an echo is no hub");
}

#[test]
fn what_was_not_measured_passes_no_condition() {
    let silent = Echo::start(&[]);
    let output = bench(&silent.url(), "--mode push -c 1 --fail-if p99>5ms");
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("FAIL  p99 was not measured"), "{said}");
}

#[test]
fn one_result_alone_goes_to_stdout() {
    let output = bench("ws://127.0.0.1:1", "--json --hdr -");
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("--hdr"), "{said}");
}

#[test]
fn a_path_is_shown_whole_where_the_server_is_not_reached() {
    let said = text(&bench("ws://127.0.0.1:1/@me", "").stderr);
    assert!(said.contains("ws://127.0.0.1:1/@me"), "{said}");
}

/// A server that echoes, but passes the eleventh message through `spoil`.
fn spoils(spoil: fn(Vec<u8>) -> Vec<Vec<u8>>) -> String {
    let (port, _) = server(move |stream, head| {
        switch(stream, head, "");
        for count in 1.. {
            let (opcode, payload) = receive(stream);
            if opcode == 8 {
                _ = std::io::Write::write_all(stream, &frame(8, &payload));
                return;
            }
            let answers = match count {
                11 => spoil(payload),
                _ => vec![payload],
            };
            for answer in answers {
                if std::io::Write::write_all(stream, &frame(opcode, &answer)).is_err() {
                    return;
                }
            }
        }
    });
    format!("127.0.0.1:{port}")
}

#[test]
fn servers_that_lose_repeat_or_spoil_are_found_out() {
    type Spoil = fn(Vec<u8>) -> Vec<Vec<u8>>;
    let cases: [(&str, Spoil); 3] = [
        ("lost 1,", |_| vec![]),
        ("duplicated 1,", |message| vec![message.clone(), message]),
        ("corrupted 1)", |mut message| {
            message[20] ^= 1;
            vec![message]
        }),
    ];
    for (words, spoil) in cases {
        let output = bench(&spoils(spoil), "-c 1 -d 4");
        let said = text(&output.stdout);
        assert!(said.contains(words), "{words}: {said}");
        assert!(said.contains("errors      1\n"), "{said}");
        assert_eq!(output.status.code(), Some(1), "{said}");
    }
}

#[test]
fn conditions_decide_the_exit_code() {
    let echo = Echo::start(&[]);
    let output = bench(
        &echo.url(),
        "-c 1 --rate 100 --fail-if p50>60s --fail-if errors>0,rate<1",
    );
    let said = text(&output.stdout);
    assert!(matches!(output.status.code(), Some(0 | 13)), "{said}");
    assert_eq!(said.matches("\nPASS  ").count(), 3, "{said}");
    let output = bench(&echo.url(), "-c 1 --rate 100 --fail-if p50<60s --json");
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(
        said.starts_with("FAIL  p50 is ") && said.contains("(p50<60s)"),
        "{said}"
    );
    let output = bench(&echo.url(), "--fail-if p98>1ms");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("\"p98\" is not measured"));
}

#[test]
fn the_highest_rate_is_searched_for() {
    let echo = Echo::start(&[]);
    // Nothing is that fast: the search goes down to its end.
    let output = bench(
        &echo.url(),
        "-c 1 --find-max p50<0.001us --rate 8 --duration 0.2 --json",
    );
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("no rate was found with p50<0.001us"));
    let report: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
    assert_eq!(report["find_max"]["rate"], Value::Null);
    assert_eq!(report["find_max"]["steps"][0]["rate"], 8.0, "{report}");
    assert_eq!(report["find_max"]["steps"][0]["passed"], false);
}

#[test]
fn files_are_written_and_compared() {
    let echo = Echo::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (before, csv, hdr) = (file("a.json"), file("a.csv"), file("a.hgrm"));
    let (html, md) = (file("a.html"), file("a.md"));
    let more = format!("-c 2 --size 32,1k --json {before} --csv {csv} --hdr {hdr} --report {html}");
    let output = bench(&echo.url(), &more);
    assert!(
        text(&output.stdout).contains("1024 B"),
        "people get their lines, too"
    );
    let read = |name: &str| std::fs::read_to_string(name).unwrap();
    assert_eq!(read(&before).lines().count(), 2, "one object for each size");
    assert_eq!(read(&csv).lines().count(), 3);
    assert!(read(&hdr).contains("#[Max     ="));
    assert!(read(&html).starts_with("<!doctype html>"));
    let output = bench(
        &echo.url(),
        &format!("-c 2 --size 1k --compare {before} --report {md}"),
    );
    let said = text(&output.stdout);
    assert!(said.contains("then") && said.contains("ratio"), "{said}");
    assert!(
        !said.contains("not the same load: size"),
        "the run of this size: {said}"
    );
    assert!(read(&md).contains("| size | messages/s |"));
    let output = bench(&echo.url(), &format!("--compare {csv}"));
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("is not JSON"),
        "{}",
        text(&output.stderr)
    );
    let output = bench(&echo.url(), "--json /no/such/folder/a.json");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("error: --json: /no/such/folder/a.json cannot"));
}

#[test]
fn flags_of_the_way_are_heeded() {
    let (port, thread) = server(|stream, head| {
        switch(stream, head, "Sec-WebSocket-Protocol: a\r\n");
        while receive(stream).0 != 8 {}
        _ = std::io::Write::write_all(stream, &frame(8, &close(1000, "")));
    });
    let url = format!("127.0.0.1:{port}/x");
    let output = bench(
        &url,
        "-c 1 --mode idle -H X-Who:me -s a -o https://o.example",
    );
    assert_eq!(output.status.code(), Some(1), "Pings stay unanswered");
    let request = thread.join().unwrap().to_ascii_lowercase();
    for line in [
        "x-who: me",
        "sec-websocket-protocol: a",
        "origin: https://o.example",
    ] {
        assert!(request.contains(line), "{line}: {request}");
    }
}

#[test]
fn a_server_that_is_not_there_or_refuses_is_told() {
    let free = std::net::TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let output = bench(&format!("127.0.0.1:{free}"), "-c 2");
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    assert!(text(&output.stderr).starts_with("error: "));
    let output = bench("ftp://127.0.0.1/", "");
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let (port, _) = server(|stream, _| {
        let answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
        _ = std::io::Write::write_all(stream, answer);
    });
    let output = bench(&format!("127.0.0.1:{port}"), "-c 5");
    assert_eq!(output.status.code(), Some(6), "{}", text(&output.stderr));
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_the_measurement_and_still_reports() {
    let echo = Echo::start(&[]);
    let mut child = tidewire()
        .args([
            "bench",
            &echo.url(),
            "-c",
            "1",
            "--rate",
            "100",
            "--duration",
            "600",
        ])
        .args(["--warmup", "0", "--json"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Until it has a connection, Ctrl-C would find nothing to report.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    signal(&child, rustix::process::Signal::INT);
    assert_eq!(wait_for(&mut child), Some(130));
    let mut out = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut out).unwrap();
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["interrupted"], true);
    assert!(report["messages"].as_u64() > Some(0), "{report}");
}

#[test]
fn tls_is_measured_like_all_else() {
    let data = tempfile::tempdir().unwrap();
    let mut command = tidewire();
    command.env("XDG_DATA_HOME", data.path());
    let echo = Echo::start_as(&mut command, &["--tls-dev"]);
    let output = tidewire()
        .args(["bench", &format!("wss://localhost:{}/", echo.port)])
        .args([
            "-c",
            "3",
            "--rate",
            "100",
            "--duration",
            "0.3",
            "--warmup",
            "0",
            "--json",
        ])
        .env("SSL_CERT_FILE", data.path().join("tidewire/tls-dev/ca.pem"))
        .output()
        .unwrap();
    let report = json(&output);
    assert_eq!(
        (&report["connections"], &report["errors"]),
        (&3.into(), &0.into())
    );
}
