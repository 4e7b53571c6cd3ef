//! `tidewire doctor` with servers that are well, and with servers that are not.
#![allow(clippy::unwrap_used)]

mod common;
mod wrong;

use common::*;
use serde_json::Value;
use std::path::Path;
use wrong::{Wrong, start};

fn doctor(args: &[&str]) -> (Option<i32>, Value) {
    doctor_trusting(None, args)
}

fn doctor_trusting(authority: Option<&Path>, args: &[&str]) -> (Option<i32>, Value) {
    let mut command = tidewire();
    if let Some(authority) = authority {
        command.env("SSL_CERT_FILE", authority);
    }
    let output = command
        .args(["doctor", "--json"])
        .args(args)
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout);
    let report = report.unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    (output.status.code(), report)
}

fn step<'a>(report: &'a Value, name: &str) -> &'a Value {
    let steps = report["steps"].as_array().unwrap();
    let found = steps.iter().find(|step| step["step"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {report}"))
}

/// Verdict and sentence of a step.
fn said<'a>(report: &'a Value, name: &str) -> (&'a str, &'a str) {
    let step = step(report, name);
    (
        step["verdict"].as_str().unwrap(),
        step["said"].as_str().unwrap(),
    )
}

#[test]
fn a_server_that_is_well_is_told_so_step_by_step() {
    let echo = Echo::start(&["--quiet"]);
    let url = format!("ws://localhost:{}/", echo.port);
    let (code, report) = doctor(&[&url, "--idle", "0.3", "-s", "b", "-s", "a"]);
    assert_eq!(
        (code, report["failed"].as_u64()),
        (Some(0), Some(0)),
        "{report:#}"
    );
    for (name, words) in [
        ("dns", "localhost is "),
        ("tcp", "answer"),
        ("upgrade", "101 Switching Protocols, Accept is right"),
        (
            "extensions",
            "permessage-deflate: the server's window has 15 bits",
        ),
        ("subprotocol", "agreed to b"),
        ("ping", "5 Pings answered"),
        ("close", "answered with 1000"),
        ("idle", "still open"),
        ("http", "a plain request is answered 200 OK"),
    ] {
        let (verdict, sentence) = said(&report, name);
        assert!(sentence.contains(words), "{name}: {sentence}");
        // Another family of addresses may lead nowhere.
        assert!(verdict == "ok" || name == "tcp", "{name}: {verdict}");
    }
    assert_eq!(said(&report, "tls").0, "skipped");
    let (verdict, sentence) = said(&report, "origin");
    assert!(
        verdict == "warn" && sentence.contains("any site's page"),
        "{sentence}"
    );
    assert_eq!(
        doctor(&[&url, "--strict"]).0,
        Some(1),
        "warnings count if asked for"
    );
}

#[test]
fn each_fault_is_found_by_its_step() {
    for (wrong, name, verdict, words) in [
        (Wrong::WebPage, "upgrade", "fail", "answered 200 OK"),
        (Wrong::NoUpgradeArrived, "upgrade", "fail", "did not arrive"),
        (
            Wrong::ForgesAccept,
            "upgrade",
            "fail",
            "Sec-WebSocket-Accept is",
        ),
        (Wrong::NotHttp, "upgrade", "fail", "no answer of HTTP"),
        (Wrong::PicksExtension, "upgrade", "ok", "101"),
        (Wrong::PicksExtension, "extensions", "fail", "x-mine"),
        (
            Wrong::PicksSubprotocol,
            "subprotocol",
            "fail",
            "agrees to mine",
        ),
        (Wrong::NoPong, "ping", "fail", "no Pong"),
        (Wrong::Noise, "ping", "fail", "Pings"),
        (Wrong::Claims, "ping", "fail", "9223372036854775807"),
        (Wrong::IgnoresClose, "close", "fail", "no answer to a Close"),
        (Wrong::LeavesTcpOpen, "close", "warn", "leaves TCP open"),
        (Wrong::Nothing, "origin", "warn", "any site's page"),
        (Wrong::KnowsItsPages, "origin", "ok", "refused"),
        (Wrong::Nothing, "http", "ok", "426"),
        (Wrong::EndsSilence, "idle", "warn", "lasted"),
    ] {
        let url = format!("ws://127.0.0.1:{}/", start(wrong));
        let idle: &[&str] = if wrong == Wrong::EndsSilence {
            &["--idle", "2"]
        } else {
            &[]
        };
        let (code, report) = doctor(&[&[url.as_str(), "--timeout", "0.5"], idle].concat());
        let (found, sentence) = said(&report, name);
        assert_eq!(found, verdict, "{wrong:?} {name}: {sentence}\n{report:#}");
        assert!(sentence.contains(words), "{wrong:?} {name}: {sentence}");
        let failed = report["failed"].as_u64().unwrap() > 0;
        assert_eq!(code, Some(i32::from(failed)), "{wrong:?}");
        if found != "ok" {
            assert!(step(&report, name)["do"].is_string(), "{wrong:?} {name}");
        }
    }
}

#[test]
fn a_proxy_that_drops_the_upgrade_is_named() {
    let url = format!("ws://127.0.0.1:{}/", start(Wrong::NoUpgradeArrived));
    let output = run(&["doctor", &url], b"");
    let shown = text(&output.stdout);
    for part in [
        "FAIL  upgrade",
        "proxy_set_header Upgrade $http_upgrade",
        "in between stands a cache (x-cache)",
        "missing header: upgrade\\x1b",
        "there is no WebSocket",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    assert!(!shown.contains('\x1b'), "{shown:?}");
}

#[test]
fn cookies_that_any_site_may_use_are_cross_site_hijacking() {
    let url = format!("ws://127.0.0.1:{}/", start(Wrong::CookieDecides));
    let (code, report) = doctor(&[&url, "-H", "Cookie: session=secret"]);
    let (verdict, sentence) = said(&report, "origin");
    assert_eq!((code, verdict), (Some(1), "fail"), "{sentence}");
    assert!(
        sentence.starts_with("cross-site hijacking: your cookies"),
        "{sentence}"
    );
    assert!(!report.to_string().contains("secret"), "{report}");
}

#[test]
fn what_cannot_be_reached_is_told_by_the_step_that_failed() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let (code, report) = doctor(&[&format!("127.0.0.1:{port}")]);
    let (verdict, sentence) = said(&report, "tcp");
    assert_eq!((code, verdict), (Some(1), "fail"));
    assert!(sentence.contains("refused"), "{sentence}");
    assert_eq!(said(&report, "upgrade").0, "skipped");
    let (code, report) = doctor(&["no-such-host.invalid", "--timeout", "10"]);
    assert_eq!((code, said(&report, "dns").0), (Some(1), "fail"));
    let url = format!("ws://me:pass@127.0.0.1:{port}/");
    assert!(
        !doctor(&[&url]).1.to_string().contains("pass@"),
        "a password is not shown"
    );
}

/// `tidewire echo` with a certificate; it and its file.
fn secured(
    dir: &Path,
    change: impl FnOnce(&mut rcgen::CertificateParams),
) -> (Echo, std::path::PathBuf) {
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    change(&mut params);
    let key = rcgen::KeyPair::generate().unwrap();
    let made = params.self_signed(&key).unwrap();
    let (cert, key_file) = (dir.join("cert.pem"), dir.join("key.pem"));
    std::fs::write(&cert, made.pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let args = [
        "-q",
        "--tls-cert",
        cert.to_str().unwrap(),
        "--tls-key",
        key_file.to_str().unwrap(),
    ];
    (Echo::start(&args), cert)
}

#[test]
fn certificates_are_shown_and_judged() {
    let dir = tempfile::tempdir().unwrap();
    let (echo, cert) = secured(dir.path(), |_| {});
    let url = format!("wss://localhost:{}/", echo.port);

    let (code, report) = doctor_trusting(Some(&cert), &[&url]);
    let (verdict, sentence) = said(&report, "tls");
    assert_eq!((code, verdict), (Some(0), "ok"), "{report:#}");
    assert!(
        sentence.contains("TLSv1.3") && sentence.contains("ALPN http/1.1"),
        "{sentence}"
    );

    let (code, report) = doctor(&[&url]);
    assert_eq!(
        (code, said(&report, "tls")),
        (Some(1), ("fail", "the certificate is self-signed"))
    );
    let detail = step(&report, "tls")["details"][0].as_str().unwrap();
    assert!(
        detail.contains(" for localhost, issued by ") && detail.contains("days left"),
        "{detail}"
    );
    assert_eq!(
        said(&report, "upgrade").0,
        "skipped",
        "nothing is said to a stranger"
    );

    let (code, report) = doctor(&[&url, "--no-check"]);
    let (verdict, sentence) = said(&report, "tls");
    assert_eq!((code, verdict), (Some(0), "warn"), "{report:#}");
    assert!(sentence.contains("--no-check"), "{sentence}");
    assert_eq!(said(&report, "ping").0, "ok", "who asks for it goes on");

    let other = format!("wss://127.0.0.1:{}/", echo.port);
    let (_, report) = doctor_trusting(Some(&cert), &[&other]);
    let wrong = (
        "fail",
        "the certificate is for localhost, not for 127.0.0.1",
    );
    assert_eq!(said(&report, "tls"), wrong);
}

#[test]
fn certificates_whose_time_is_over_are_told_with_their_days() {
    let dir = tempfile::tempdir().unwrap();
    let (echo, cert) = secured(dir.path(), |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    let url = format!("wss://localhost:{}/", echo.port);
    let (code, report) = doctor_trusting(Some(&cert), &[&url]);
    assert_eq!(
        (code, said(&report, "tls")),
        (Some(1), ("fail", "the certificate has expired"))
    );
    let detail = step(&report, "tls")["details"][0].as_str().unwrap();
    assert!(
        detail.contains("until 2021-01-01 (") && detail.contains("days ago)"),
        "{detail}"
    );
}

#[test]
fn the_flags_may_say_where_the_server_is() {
    let echo = Echo::start(&["-q"]);
    let place = format!("example.invalid:{}", echo.port);
    let (code, report) = doctor(&[&place, "--resolve", &format!("{place}:127.0.0.1")]);
    assert_eq!(
        (code, said(&report, "dns").0),
        (Some(0), "skipped"),
        "{report:#}"
    );
    assert!(said(&report, "tcp").1.starts_with("connected in "));
    assert_eq!(said(&report, "close").0, "ok");
}

#[test]
fn tls_where_there_is_none_is_told() {
    let echo = Echo::start(&["-q"]);
    let (code, report) = doctor(&[&format!("wss://localhost:{}/", echo.port)]);
    assert_eq!(
        (code, said(&report, "tls").0),
        (Some(1), "fail"),
        "{report}"
    );
    assert!(
        step(&report, "tls")["do"]
            .as_str()
            .unwrap()
            .contains("ws://")
    );
}
