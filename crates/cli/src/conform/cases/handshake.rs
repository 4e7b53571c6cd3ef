//! Section handshake (RFC 6455 §4.2).

use http::Response;
use http::header::SEC_WEBSOCKET_EXTENSIONS;

use super::super::case::{Act, Answer, Case, Handshake, Outcome, Verdict};
use crate::raw::Ask;

const RFC: &str = "6455 §4.2.1";

fn case(
    name: &str,
    rfc: &'static str,
    expected: &str,
    want: Answer,
    change: impl Fn(&mut Ask) + 'static,
) -> Case {
    Case {
        name: format!("handshake/{name}"),
        rfc,
        expected: expected.to_owned(),
        act: Act::Handshake(Handshake {
            change: Box::new(change),
            part: usize::MAX,
            want,
        }),
    }
}

/// A request that opens a WebSocket.
fn opens(name: &str, what: &str, change: impl Fn(&mut Ask) + 'static) -> Case {
    let expected = format!("{what} opens a WebSocket");
    case(name, RFC, &expected, Answer::Opens, change)
}

/// A request that does not.
fn refused(
    name: &str,
    what: &str,
    best: &'static [u16],
    lax: bool,
    change: impl Fn(&mut Ask) + 'static,
) -> Case {
    let expected = match best {
        [] => format!("{what} opens no WebSocket"),
        [best, ..] => format!("{what} is refused with {best}"),
    };
    case(name, RFC, &expected, Answer::Refused { best, lax }, change)
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = right();
    cases.extend(wrong());
    cases.extend(agreements());
    cases
}

fn right() -> Vec<Case> {
    let mut slow = opens(
        "byte-by-byte",
        "a request that comes in pieces of 7 bytes",
        |_| {},
    );
    if let Act::Handshake(handshake) = &mut slow.act {
        handshake.part = 7;
    }
    vec![
        case(
            "plain",
            "6455 §4.2.2",
            "a request is answered with 101 and the right Accept",
            Answer::Opens,
            |_| {},
        ),
        slow,
        opens(
            "lower-case-names",
            "a request with names in lower case",
            |ask| {
                ask.rename(str::to_lowercase);
            },
        ),
        opens(
            "upper-case-names",
            "a request with names in upper case",
            |ask| {
                ask.rename(str::to_uppercase);
            },
        ),
        opens("upgrade-spelling", "Upgrade: WebSocket", |ask| {
            ask.set("Upgrade", "WebSocket")
        }),
        opens(
            "connection-list",
            "Connection: keep-alive, upgrade",
            |ask| {
                ask.set("Connection", "keep-alive, upgrade");
            },
        ),
        opens("connection-lines", "Connection in two lines", |ask| {
            ask.set("Connection", "keep-alive");
            ask.add("Connection", "Upgrade");
        }),
        opens(
            "unknown-headers",
            "a request with headers that nobody knows",
            |ask| {
                ask.add("X-Unknown", "\"a\", b;c");
                ask.add("X-Unknown", "");
            },
        ),
    ]
}

fn wrong() -> Vec<Case> {
    vec![
        refused(
            "version-12",
            "Sec-WebSocket-Version: 12",
            &[426, 400],
            false,
            |ask| {
                ask.set("Sec-WebSocket-Version", "12");
            },
        ),
        refused(
            "version-text",
            "a version that is no number",
            &[426, 400],
            false,
            |ask| {
                ask.set("Sec-WebSocket-Version", "thirteen");
            },
        ),
        refused(
            "version-missing",
            "a request without a version",
            &[400, 426],
            false,
            |ask| {
                ask.remove("Sec-WebSocket-Version");
            },
        ),
        refused(
            "key-missing",
            "a request without a key",
            &[400],
            false,
            |ask| {
                ask.remove("Sec-WebSocket-Key");
            },
        ),
        refused("key-empty", "an empty key", &[400], false, |ask| {
            ask.set("Sec-WebSocket-Key", "")
        }),
        refused("key-short", "a key of 15 bytes", &[400], true, |ask| {
            ask.set("Sec-WebSocket-Key", "AAECAwQFBgcICQoLDA0O");
        }),
        refused(
            "key-no-base64",
            "a key that is not base64",
            &[400],
            true,
            |ask| {
                ask.set("Sec-WebSocket-Key", "!!this is no base64 at!!");
            },
        ),
        refused("key-twice", "two keys", &[400], true, |ask| {
            ask.add("Sec-WebSocket-Key", "AAECAwQFBgcICQoLDA0ODw==");
        }),
        refused("method-post", "POST", &[], false, |ask| {
            "POST".clone_into(&mut ask.method);
            ask.add("Content-Length", "0");
        }),
        refused("http-1.0", "HTTP/1.0", &[], false, |ask| {
            "HTTP/1.0".clone_into(&mut ask.version)
        }),
        refused(
            "host-missing",
            "a request without Host",
            &[400],
            false,
            |ask| ask.remove("Host"),
        ),
        refused(
            "upgrade-missing",
            "a request without Upgrade",
            &[],
            false,
            |ask| {
                ask.remove("Upgrade");
            },
        ),
        refused("upgrade-other", "Upgrade: h2c", &[], false, |ask| {
            ask.set("Upgrade", "h2c")
        }),
        refused(
            "connection-missing",
            "a request without Connection",
            &[],
            false,
            |ask| {
                ask.remove("Connection");
            },
        ),
        refused(
            "connection-other",
            "Connection: keep-alive",
            &[],
            false,
            |ask| {
                ask.set("Connection", "keep-alive");
            },
        ),
        case(
            "space-before-colon",
            "9112 §5.1",
            "a space between a name and its colon is refused with 400",
            Answer::Refused {
                best: &[400],
                lax: false,
            },
            |ask| {
                ask.rename(|name| {
                    if name == "Upgrade" {
                        "Upgrade ".into()
                    } else {
                        name.into()
                    }
                })
            },
        ),
    ]
}

fn agreements() -> Vec<Case> {
    vec![
        case(
            "subprotocol-none-offered",
            "6455 §4.2.2",
            "no subprotocol is agreed to where none was offered",
            Answer::Opened(no_subprotocol, Verdict::Pass),
            |ask| ask.remove("Sec-WebSocket-Protocol"),
        ),
        case(
            "subprotocol-one-of-those",
            "6455 §4.2.2",
            "of the subprotocols offered one is agreed to, or none",
            Answer::Opened(offered_subprotocol, Verdict::Pass),
            |ask| {
                ask.set("Sec-WebSocket-Protocol", "tidewire-a, tidewire-b");
                ask.add("Sec-WebSocket-Protocol", "tidewire-c");
            },
        ),
        case(
            "extension-unknown",
            "6455 §9.1",
            "an extension that nobody knows is not agreed to",
            Answer::Opened(no_extension, Verdict::Fail),
            |ask| {
                ask.set(
                    "Sec-WebSocket-Extensions",
                    "x-tidewire-nobody; level=9; name=\"a\"",
                )
            },
        ),
        case(
            "extension-none-offered",
            "6455 §9.1",
            "no extension is agreed to where none was offered",
            Answer::Opened(no_extension, Verdict::Fail),
            |_| {},
        ),
    ]
}

fn values(response: &Response<()>, name: &str) -> Vec<String> {
    let values = response.headers().get_all(name).iter();
    values
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect()
}

fn no_subprotocol(response: &Response<()>) -> Outcome {
    match &values(response, "sec-websocket-protocol")[..] {
        [] => Outcome::pass("none"),
        agreed => Outcome::fail(format!("agreed to {agreed:?}")),
    }
}

fn offered_subprotocol(response: &Response<()>) -> Outcome {
    match &values(response, "sec-websocket-protocol")[..] {
        [] => Outcome::pass("none"),
        [one] if ["tidewire-a", "tidewire-b", "tidewire-c"].contains(&one.as_str()) => {
            Outcome::pass(format!("agreed to {one}"))
        }
        other => Outcome::fail(format!("agreed to {other:?}")),
    }
}

fn no_extension(response: &Response<()>) -> Outcome {
    match &values(response, SEC_WEBSOCKET_EXTENSIONS.as_str())[..] {
        [] => Outcome::pass("none"),
        agreed => Outcome::fail(format!("agreed to {agreed:?}")),
    }
}
