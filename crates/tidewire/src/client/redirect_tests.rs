//! Locations as servers write them, and as hostile ones do.
#![allow(clippy::unwrap_used)]

use super::*;

fn lead(from: &str, location: &str) -> Result<String, RedirectReason> {
    let from = url::parse(from).unwrap();
    let target = follow(
        &from,
        &HeaderValue::from_bytes(location.as_bytes()).unwrap(),
    )?;
    let user = target.user.as_ref().map_or(String::new(), |user| {
        format!("{}@", String::from_utf8_lossy(&user.name))
    });
    let place = match &target.place {
        Place::Tcp { tls, .. } => format!(
            "{}{}",
            if *tls { "wss:" } else { "ws:" },
            target.place.host_header()
        ),
        Place::Unix(socket) => socket.display().to_string(),
    };
    Ok(format!("{user}{place}{}", target.path))
}

#[test]
fn locations_lead_where_rfc_3986_says() {
    let base = "ws://h:1/b/c/d;p?q";
    for (location, expected) in [
        ("ws://other/x", "ws:other/x"),
        ("HTTP://other/x", "ws:other/x"),
        ("https://other", "wss:other/"),
        ("wss://h:1/b", "wss:h:1/b"),
        ("//other:2/x?y", "ws:other:2/x?y"),
        ("/x?y=//z#f", "ws:h:1/x?y=//z"),
        ("g", "ws:h:1/b/c/g"),
        ("./g/", "ws:h:1/b/c/g/"),
        ("?y", "ws:h:1/b/c/d;p?y"),
        ("g?y/./x", "ws:h:1/b/c/g?y/./x"),
        ("", "ws:h:1/b/c/d;p?q"),
        ("#f", "ws:h:1/b/c/d;p?q"),
        (".", "ws:h:1/b/c/"),
        ("..", "ws:h:1/b/"),
        ("../g", "ws:h:1/b/g"),
        ("../../../../g", "ws:h:1/g"),
        ("/./g", "ws:h:1/g"),
        ("g..", "ws:h:1/b/c/g.."),
        ("a/./b/../c", "ws:h:1/b/c/a/c"),
        // A colon behind a slash is no scheme's.
        ("./a:b", "ws:h:1/b/c/a:b"),
        ("?a:b", "ws:h:1/b/c/d;p?a:b"),
    ] {
        assert_eq!(lead(base, location).as_deref(), Ok(expected), "{location}");
    }
}

#[test]
fn a_user_stays_with_its_origin_and_is_never_a_servers_choice() {
    for (from, location, expected) in [
        ("ws://me:pw@h/", "/x", "me@ws:h/x"),
        ("ws://me:pw@h/", "http://H:80/x", "me@ws:h/x"),
        ("ws://me:pw@h/", "ws://you:pw@h/x", "me@ws:h/x"),
        ("ws://h/", "ws://you:pw@h/x", "ws:h/x"),
        ("ws://me:pw@h/", "ws://h:81/x", "ws:h:81/x"),
        ("ws://me:pw@h/", "wss://h/x", "wss:h/x"),
        ("ws://me:pw@h/", "ws://you:pw@other/x", "ws:other/x"),
    ] {
        assert_eq!(
            lead(from, location).as_deref(),
            Ok(expected),
            "{from} {location}"
        );
    }
}

#[cfg(unix)]
#[test]
fn from_a_unix_socket_a_path_stays_on_it() {
    let from = "ws+unix:/a.sock:/x";
    assert_eq!(lead(from, "/y").as_deref(), Ok("/a.sock/y"));
    assert_eq!(lead(from, "ws://h/y").as_deref(), Ok("ws:h/y"));
    assert!(lead(from, "//h/y").is_err());
}

#[test]
fn what_must_not_be_followed_is_not() {
    for location in ["http://h/", "ws://other/", "ws://h:443/"] {
        assert_eq!(lead("wss://h/", location), Err(RedirectReason::Downgrade));
    }
    for location in [
        "ftp://h/",
        "javascript:alert(1)",
        "ws+unix:/run/docker.sock:/",
        "file:///etc/passwd",
        "ws://",
        "//",
        "ws:x",
        "ws://h:99999/",
        "ws://a@b@c/",
        "/a b",
        "/a<b",
        "b\u{fc}cher",
        "ws://[::1/",
    ] {
        let outcome = lead("ws://h/", location);
        let refused = matches!(outcome, Err(RedirectReason::Location(_)));
        assert!(refused, "{location}: {outcome:?}");
    }
}
