//! Who gets past the guard, and above all who does not.
#![allow(clippy::unwrap_used)]

use super::*;

fn guard(listen: &[&str], hosts: &[&str], origins: &[&str], any_loopback_page: bool) -> Guard {
    let listen: Vec<String> = listen.iter().map(ToString::to_string).collect();
    Guard::new(
        &listen,
        hosts.iter().map(|text| text.parse().unwrap()).collect(),
        origins.iter().map(|text| text.parse().unwrap()).collect(),
        any_loopback_page,
    )
}

fn passes(guard: &Guard, host: Option<&str>, origin: Option<&str>) -> bool {
    guard.judge(Endpoint::Hub, host, origin, false).is_ok()
}

const LOOPBACK: &[&str] = &[
    "localhost",
    "LocalHost:4000",
    "localhost.",
    "localhost.:4000",
    "localhost:",
    "app.localhost:1",
    "127.0.0.1",
    "127.0.0.1:65535",
    "127.255.1.2:80",
    "[::1]",
    "[::1]:4000",
    "[0:0:0:0:0:0:0:1]:4000",
    "[::ffff:127.0.0.1]",
];

const HOSTILE: &[&str] = &[
    "",
    " ",
    ":4000",
    ".",
    "..localhost",
    ".localhost",
    "localhost..",
    "evil.example",
    "localhost.evil.com",
    "127.0.0.1.evil.com",
    "evillocalhost",
    "localhost@evil.com",
    "evil.com@localhost",
    "evil.com:4000@localhost",
    "localhost:4000:80",
    "localhost:65536",
    "localhost:+80",
    "localhost:-1",
    "localhost:80x",
    "localhost:٣",
    "localhost, evil.com",
    "localhost,localhost",
    "localhost evil.com",
    "localhost\tevil",
    "localhost\0",
    "localhost/evil.com",
    "localhost#evil.com",
    "localhost?evil.com",
    "localhost\\evil.com",
    "http://localhost",
    "%6cocalhost",
    "localhost%00",
    "ⅼocalhost",
    "löcalhost",
    "localhos\u{3a4}",
    "127.1",
    "127.0.1",
    "0127.0.0.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "2130706433",
    "127.0.0.1.",
    "127.0.0.256",
    "127.0.0.1:4000]",
    "::1",
    "[::1",
    "::1]",
    "[::1]x",
    "[::1]4000",
    "[::1%25eth0]",
    "[127.0.0.1]",
    "[localhost]",
    "[::1][::1]",
    "null",
    "*",
];

#[test]
fn loopback_names_pass_and_nothing_that_looks_like_them() {
    for any_loopback_page in [false, true] {
        let guard = guard(&["127.0.0.1:4000"], &[], &[], any_loopback_page);
        for host in LOOPBACK {
            assert!(passes(&guard, Some(host), None), "{host}");
        }
        for host in HOSTILE {
            assert!(!passes(&guard, Some(host), None), "{host:?}");
        }
        for host in ["0.0.0.0:4000", "192.168.1.5", "[fe80::1]", "128.0.0.1"] {
            assert!(!passes(&guard, Some(host), None), "{host}");
        }
        assert!(!passes(&guard, None, None));
        for long in [252, 64 * 1024] {
            let host = format!("{}.localhost", "a".repeat(long));
            assert!(!passes(&guard, Some(&host), None), "{long}");
        }
    }
}

#[test]
fn beyond_loopback_addresses_and_the_bound_name_pass_too() {
    let guard = guard(
        &["0.0.0.0:4000", "box.lan:4001"],
        &["app.example", "api.example:8443"],
        &[],
        false,
    );
    for host in [
        "192.168.1.5:4000",
        "[fd00::1]:4000",
        "box.lan:4001",
        "BOX.lan.",
        "localhost",
        "app.example",
        "app.example:1",
        "api.example:8443",
    ] {
        assert!(passes(&guard, Some(host), None), "{host}");
    }
    for host in HOSTILE.iter().chain(&[
        "api.example",
        "api.example:443",
        "x.app.example",
        "app.example.evil.com",
        "lan",
    ]) {
        assert!(!passes(&guard, Some(host), None), "{host:?}");
    }
}

#[test]
fn the_same_host_and_port_pass() {
    let guard = guard(&["0.0.0.0:4000"], &["app.example"], &[], false);
    for (host, origin, expected) in [
        ("localhost:4000", "http://localhost:4000", true),
        ("localhost:4000", "HTTP://LOCALHOST:4000", true),
        ("localhost.:4000", "http://localhost:4000", true),
        ("localhost:4000", "https://localhost:4000", true), // a proxy that speaks TLS
        ("app.example", "https://app.example", true),
        ("app.example", "http://app.example", true),
        ("app.example:443", "https://app.example", true),
        ("[::1]:4000", "http://[0:0:0:0:0:0:0:1]:4000", true),
        ("localhost:4000", "http://localhost:3000", false),
        ("localhost:4000", "http://localhost", false),
        ("localhost:4000", "http://127.0.0.1:4000", false),
        ("127.0.0.1:4000", "http://localhost:4000", false),
        ("app.example", "https://x.app.example", false),
        ("app.example", "https://app.example.evil.com", false),
        ("app.example:80", "https://app.example", false),
        ("app.example", "chrome-extension://app.example", false),
        ("app.example", "null", false),
    ] {
        assert_eq!(
            passes(&guard, Some(host), Some(origin)),
            expected,
            "{host} {origin}"
        );
    }
    // A page that came without TLS is not the server's own when that speaks TLS.
    let judge = |origin| guard.judge(Endpoint::Hub, Some("app.example"), Some(origin), true);
    assert!(judge("https://app.example").is_ok());
    assert!(judge("http://app.example").is_err());
}

#[test]
fn a_development_server_takes_every_loopback_page_and_no_other() {
    let development = guard(&["127.0.0.1:4000"], &[], &[], true);
    let configured = guard(&["127.0.0.1:4000"], &[], &[], false);
    let host = Some("127.0.0.1:4000");
    for name in LOOPBACK {
        for scheme in ["http", "https"] {
            let origin = format!("{scheme}://{name}");
            assert!(passes(&development, host, Some(&origin)), "{origin}");
            let same = ["127.0.0.1:4000"].contains(name);
            assert_eq!(passes(&configured, host, Some(&origin)), same, "{origin}");
        }
    }
    for name in HOSTILE {
        // As an origin it is the server's own page.
        let bare = name.strip_prefix("http://").unwrap_or(name);
        for origin in [format!("http://{name}"), bare.to_owned()] {
            for guard in [&development, &configured] {
                assert!(!passes(guard, host, Some(&origin)), "{origin:?}");
            }
        }
    }
    for origin in [
        "null",
        "file://",
        "file://localhost",
        "http:localhost",
        "http:/localhost",
        "://localhost",
        " http://localhost",
        "http://localhost ",
        "http://localhost/",
        "http://localhost http://evil.com",
        "http://localhost, http://localhost",
        "http://user:pw@localhost",
        "javascript://localhost",
        "ftp://localhost",
        "htt\u{212a}p://localhost",
        "http://localhost:3000#",
        "https://evil.com",
    ] {
        assert!(!passes(&development, host, Some(origin)), "{origin:?}");
    }
    let long = format!("http://{}localhost", "a.".repeat(100_000));
    assert!(!passes(&development, host, Some(&long)));
    // A loopback page does not help a foreign Host: DNS rebinding.
    let origin = Some("http://localhost:4000");
    assert!(!passes(&development, Some("evil.example:4000"), origin));
    let own = Some("http://evil.example:4000");
    assert!(!passes(&development, Some("evil.example:4000"), own));
}

#[test]
fn configured_origins_are_exact() {
    let listed = guard(
        &["127.0.0.1:4000"],
        &[],
        &[
            "https://app.example",
            "http://localhost:5173",
            "tauri://localhost",
            "chrome-extension://abcdefgh",
        ],
        false,
    );
    for (origin, expected) in [
        ("https://app.example", true),
        ("https://APP.example:443", true),
        ("http://localhost:5173", true),
        ("tauri://localhost", true),
        ("chrome-extension://abcdefgh", true),
        ("http://app.example", false),
        ("https://app.example:8443", false),
        ("https://www.app.example", false),
        ("https://app.example.", true),
        ("https://app.example@evil.com", false),
        ("https://evil.com/https://app.example", false),
        ("null", false),
        ("any", false),
        ("", false),
    ] {
        assert_eq!(
            passes(&listed, Some("localhost"), Some(origin)),
            expected,
            "{origin}"
        );
    }
    let any = guard(&["127.0.0.1:4000"], &[], &["any"], false);
    assert!(passes(&any, Some("localhost"), Some("https://evil.com")));
    assert!(passes(&any, Some("localhost"), Some("null")));
    assert!(
        !passes(&any, Some("evil.com"), None),
        "Host is still judged"
    );
}

#[test]
fn echo_and_health_are_for_everybody() {
    for endpoint in [Endpoint::Echo, Endpoint::Health] {
        for host in [None, Some("evil.example"), Some("\u{1b}[2J")] {
            let verdict = Guard::default().judge(endpoint, host, Some("null"), false);
            assert_eq!(verdict, Ok(()), "{endpoint:?} {host:?}");
        }
    }
}

#[test]
fn scripts_for_all_sites_ask_for_the_host_alone() {
    let judge = |host, origin| Guard::default().judge(Endpoint::Script, host, origin, false);
    for origin in [None, Some("https://shop.example"), Some("null")] {
        assert_eq!(judge(Some("localhost:4000"), origin), Ok(()));
        for host in [None, Some("evil.example")] {
            assert!(judge(host, origin).is_err(), "{host:?} {origin:?}");
        }
    }
}

#[test]
fn a_denial_names_what_it_saw_the_setting_and_the_flag() {
    let guard = guard(&["127.0.0.1:4000"], &[], &[], true);
    let deny = |host, origin| {
        let denied = guard.judge(Endpoint::Hub, host, origin, false).unwrap_err();
        (denied.to_string(), denied.hint())
    };
    let (said, hint) = deny(Some("localhost:4000"), Some("https://app.example"));
    for part in [
        "\"https://app.example\"",
        "\"localhost:4000\"",
        "\"origins\"",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(hint.ends_with("--origin https://app.example"), "{hint}");
    let (said, hint) = deny(Some("App.Example:4000"), None);
    assert!(
        said.contains("\"App.Example:4000\"") && said.contains("\"hosts\""),
        "{said}"
    );
    assert!(hint.ends_with("--host app.example"), "{hint}");
    assert!(
        deny(Some("localhost"), Some("null"))
            .1
            .contains("http://localhost:8000")
    );
    assert!(deny(None, None).0.contains("names no Host"));

    let nasty = format!("\u{1b}]0;x\u{7}\"$(reboot)\r\n{}ü", "x".repeat(10_000));
    for (said, hint) in [
        deny(Some(&nasty), None),
        deny(Some("localhost"), Some(&nasty)),
        deny(Some("localhost"), Some(&format!("http://{nasty}"))),
    ] {
        for text in [said, hint] {
            assert!(text.len() < 400, "{}", text.len());
            assert!(text.bytes().all(|b| (b' '..=b'~').contains(&b)), "{text:?}");
            assert!(
                !text.contains("--host $") && !text.contains("--origin http"),
                "{text}"
            );
        }
    }
}

#[test]
fn a_bad_rule_says_what_to_write() {
    let origin = |text: &str| text.parse::<OriginRule>().unwrap_err().to_string();
    assert!(origin("*").contains("\"any\""));
    assert!(origin("https://*.example").contains("in full"));
    assert!(origin("null").contains("\"any\""));
    assert!(origin("https://app.example/").contains("write https://app.example"));
    assert!(origin("app.example:3000").contains("http://app.example:3000"));
    assert!(origin("wss://app.example").contains("write https://app.example"));
    assert!(origin("ws://app.example:1").contains("write http://app.example:1"));
    assert!(origin("").contains("https://app.example"));
    let host = |text: &str| text.parse::<HostRule>().unwrap_err().to_string();
    assert!(host("https://app.example").contains("write app.example"));
    assert!(host("*.example").contains("in full"));
    assert!(host("a b").contains("app.example:8443"));
}

#[test]
fn a_page_of_ones_own_has_the_very_same_origin() {
    for (host, origin, tls, own) in [
        ("127.0.0.1:4000", "http://127.0.0.1:4000", false, true),
        ("localhost", "http://localhost", false, true),
        ("[::1]:4000", "http://[::1]:4000", false, true),
        ("localhost:443", "https://localhost", true, true),
        ("127.0.0.1:4000", "http://127.0.0.1:4001", false, false),
        ("127.0.0.1:4000", "http://localhost:4000", false, false),
        ("127.0.0.1:4000", "https://127.0.0.1:4000", false, false),
        ("127.0.0.1:4000", "http://127.0.0.1:4000", true, false),
        (
            "evil.example:4000",
            "http://evil.example:4000",
            false,
            false,
        ),
        ("192.168.0.1:4000", "http://192.168.0.1:4000", false, false),
        ("127.0.0.1:4000", "null", false, false),
        ("127.0.0.1:4000", "http://127.0.0.1:4000/", false, false),
        ("", "", false, false),
    ] {
        assert_eq!(is_own_page(host, origin, tls), own, "{host} {origin}");
    }
}
