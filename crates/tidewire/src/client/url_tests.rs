//! URLs as people write them, and as those write them who wish us ill.
#![allow(clippy::unwrap_used)]

use super::*;

/// What a URL says, on one line.
fn read(url: &str) -> String {
    match parse(url) {
        Err(error) => panic!("{url}: {error}"),
        Ok(target) => {
            let place = match &target.place {
                Place::Tcp { tls, host, port } => format!("{tls} {} {port}", host.bare()),
                Place::Unix(socket) => format!("unix {}", socket.display()),
            };
            let user = target.user.map_or(String::new(), |user| {
                let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
                format!(" {}|{}", text(&user.name), text(&user.password))
            });
            format!("{place} {}{user}", target.path)
        }
    }
}

#[test]
fn reads_urls() {
    for (url, expected) in [
        ("ws://example.com", "false example.com 80 /"),
        ("wss://example.com", "true example.com 443 /"),
        (
            "ws://example.com:8080/chat?a=b&c",
            "false example.com 8080 /chat?a=b&c",
        ),
        ("WS://H/X", "false h 80 /X"),
        ("wSs://h:80/x", "true h 80 /x"),
        ("ws://127.0.0.1:1/", "false 127.0.0.1 1 /"),
        ("ws://[::1]:4000/x", "false ::1 4000 /x"),
        ("wss://[2001:DB8::1]", "true 2001:db8::1 443 /"),
        ("ws://host?q", "false host 80 /?q"),
        ("ws://host?a@b:c/d", "false host 80 /?a@b:c/d"),
        ("ws://host/a@b:99999", "false host 80 /a@b:99999"),
        (
            "ws://xn--bcher-kva.example/",
            "false xn--bcher-kva.example 80 /",
        ),
        ("ws://a.b./", "false a.b. 80 /"),
        ("ws://h:65535/%zz", "false h 65535 /%zz"),
    ] {
        assert_eq!(read(url), expected, "{url}");
    }
}

#[test]
fn reads_users() {
    for (url, expected) in [
        ("ws://user:pw@h/", "false h 80 / user|pw"),
        ("ws://user@h:1/", "false h 1 / user|"),
        ("ws://:pw@h/", "false h 80 / |pw"),
        ("ws://@h/", "false h 80 /"),
        ("ws://u:a:b@h/", "false h 80 / u|a:b"),
        ("ws://u:%40%3a%2F%25@[::1]/", "false ::1 80 / u|@:/%"),
        ("wss://%C3%A9:x@h/", "true h 443 / é|x"),
    ] {
        assert_eq!(read(url), expected, "{url}");
    }
}

#[cfg(unix)]
#[test]
fn reads_unix_sockets() {
    for (url, expected) in [
        ("ws+unix:/run/a.sock", "unix /run/a.sock /"),
        ("ws+unix:/run/a.sock:/x?y=:", "unix /run/a.sock /x?y=:"),
        ("ws+unix:/run/a.sock:?y", "unix /run/a.sock /?y"),
        ("ws+unix:/run/a.sock:", "unix /run/a.sock /"),
        ("ws+unix:///run/a.sock:/x", "unix /run/a.sock /x"),
        ("WS+UNIX:/a%20b%3Ac%3f:/x", "unix /a b:c? /x"),
    ] {
        assert_eq!(read(url), expected, "{url}");
    }
}

#[test]
fn refuses_what_is_no_websocket_url_and_says_why() {
    for (url, hint) in [
        ("", "not a URL"),
        ("example.com", "not a URL"),
        ("example.com:80", "ws://"),
        ("/path", "not a URL"),
        ("http://h/", "write ws://"),
        ("HTTPS://h/", "write wss://"),
        ("ftp://h/", "ws://"),
        ("ws:h/", "//"),
        ("ws:/h/", "//"),
        ("ws://", "no host"),
        ("ws:///x", "no host"),
        ("ws://:80/", "no host"),
        ("ws://u:p@/", "no host"),
        ("ws://h/#f", "fragment"),
        ("ws://h:0/", "port"),
        ("ws://h:99999/", "port"),
        ("ws://h:/", "port"),
        ("ws://h:x/", "port"),
        ("ws://h:+80/", "port"),
        ("ws://h:-1/", "port"),
        ("ws://h:80:80/", "bracket"),
        ("ws://::1/", "bracket"),
        ("ws://[::1/", "bracket"),
        ("ws://[::1]x/", "bracket"),
        ("ws://[::1]x:80/", "bracket"),
        ("ws://[::g]/", "IPv6"),
        ("ws://[]/", "IPv6"),
        ("ws://[127.0.0.1]/", "IPv6"),
        ("ws://[fe80::1%25eth0]/", "zone"),
        ("ws://[fe80::1%eth0]/", "zone"),
        ("ws://b\u{fc}cher.example/", "xn--"),
        ("ws://a%2eb/", "% escape"),
        ("ws://a\\b/", "name"),
        ("ws://a,b/", "name"),
        ("ws://h/caf\u{e9}", "path"),
        ("ws://a b/", "space"),
        (" ws://h/", "space"),
        ("ws://h/\r\nX: y", "control"),
        ("ws://h/\0", "control"),
        ("ws://good@evil@h/", "%40"),
        ("ws://u:p@ss@h/", "%40"),
        ("ws://%zz:p@h/", "%25"),
        ("ws://u:%4@h/", "%25"),
        ("ws://u:%@h/", "%25"),
        ("ws://u:%+1@h/", "%25"),
        ("ws://a%3Ab:p@h/", "colon"),
        ("ws://u:%0d%0aX@h/", "control"),
        ("wss+unix:/a.sock", "ws+unix:"),
        ("ws+unix:a.sock", "absolute"),
        ("ws+unix://a.sock", "absolute"),
        ("ws+unix:", "absolute"),
        ("ws+unix:/a.sock?x", "query"),
        ("ws+unix:/a.sock:x", "path"),
        ("ws+unix:/a%00b", "zero"),
        ("ws+unix:/a%", "%25"),
    ] {
        match parse(url) {
            Err(ConnectError::InvalidUrl(why)) => assert!(why.contains(hint), "{url}: {why}"),
            other => panic!("{url}: {other:?}"),
        }
    }
    let long = format!("ws://{}/", "a".repeat(256));
    assert!(parse(&long).is_err());
}

#[test]
fn what_is_printed_holds_neither_password_nor_query() {
    for (url, shown) in [
        ("wss://me:hunter2@h:1/a?token=hunter2", "wss://h:1/a?…"),
        ("ws://[::1]:80/", "ws://[::1]/"),
    ] {
        let target = parse(url).unwrap();
        assert_eq!(target.to_string(), shown);
        assert_eq!(format!("{target:?}"), shown);
    }
    for url in [
        "ws://u:hunter2@h:x/",
        "ws://u:hunter2@@h/",
        "ws://u:hunter2%@h/",
    ] {
        let error = parse(url).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{url}");
    }
}
