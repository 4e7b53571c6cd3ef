//! What a page and its agent say to each other: the page's commands, the agent's events.

use crate::certificate::{Certificate, hex};
use serde::{Deserialize, Serialize, Serializer};
use tidewire::wire::{Frame, Way};

/// The subprotocol of a page's socket.
pub(crate) const PROTOCOL: &str = "tidewire-agent.v1";

/// The first thing that a page says: where to connect, and how.
#[derive(Debug, Deserialize)]
pub(crate) struct Open {
    pub(crate) key: String,
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) protocols: Vec<String>,
    #[serde(default)]
    pub(crate) headers: Vec<(String, String)>,
    #[serde(default)]
    pub(crate) origin: Option<String>,
    /// Accept any certificate.
    #[serde(default)]
    pub(crate) insecure: bool,
    /// Offer compression.
    #[serde(default = "yes")]
    pub(crate) deflate: bool,
    /// Tell of each frame.
    #[serde(default)]
    pub(crate) frames: bool,
}

fn yes() -> bool {
    true
}

/// What a page says after that. A binary message is a payload to send.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(crate) enum Command {
    Send {
        text: String,
    },
    Ping,
    Close {
        code: Option<u16>,
        #[serde(default)]
        reason: String,
    },
}

/// Reads the first message of a page.
///
/// # Errors
///
/// A sentence that says what it has to be.
pub(crate) fn open(text: &str) -> Result<Open, String> {
    #[derive(Deserialize)]
    #[serde(tag = "op", rename_all = "lowercase")]
    enum First {
        Open(Box<Open>),
    }
    match serde_json::from_str(text) {
        Ok(First::Open(open)) => Ok(*open),
        Err(error) => Err(format!(
            "the first message has to be {{\"op\":\"open\",\"key\":…,\"url\":…}}: {error}"
        )),
    }
}

/// Reads a command.
///
/// # Errors
///
/// A sentence that says what it has to be.
pub(crate) fn command(text: &str) -> Result<Command, String> {
    serde_json::from_str(text)
        .map_err(|error| format!("a command is \"send\", \"ping\" or \"close\": {error}"))
}

/// What the agent tells the page. A binary message is a payload that was received.
#[derive(Debug, Serialize)]
#[serde(tag = "ev", rename_all = "lowercase")]
pub(crate) enum Event {
    /// TCP is established, through a proxy perhaps.
    Connected {
        address: String,
        proxy: Option<String>,
    },
    Tls(Tls),
    /// The head of the request, as it was sent.
    Request {
        head: String,
    },
    /// The head of the answer, as it came.
    Response {
        head: String,
    },
    /// The server answered with something else than a WebSocket.
    Refused {
        status: u16,
        head: String,
        body: String,
        /// Only the beginning of the body is here.
        truncated: bool,
    },
    Open {
        protocol: String,
        extensions: String,
    },
    Text {
        #[serde(serialize_with = "as_str")]
        text: tidewire::Text,
    },
    Frame(Shown),
    /// Frames that were not told one by one, because the page reads too slowly.
    Skipped {
        frames: u64,
    },
    /// The server's answer to a Ping; without a time it was not asked for.
    Pong {
        rtt_ms: Option<f64>,
    },
    /// A Ping of the server, which has been answered.
    Ping,
    Close {
        code: u16,
        reason: String,
        by: By,
        clean: bool,
    },
    Error {
        stage: Stage,
        message: String,
        hint: String,
    },
}

/// TLS with the server.
#[derive(Debug, Serialize)]
pub(crate) struct Tls {
    pub(crate) version: &'static str,
    pub(crate) cipher: &'static str,
    pub(crate) alpn: Option<String>,
    /// Whether the certificate was judged.
    pub(crate) verified: bool,
    pub(crate) chain: Vec<Certificate>,
}

/// A frame on the wire.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    way: &'static str,
    opcode: u8,
    name: &'static str,
    fin: bool,
    rsv1: bool,
    masked: bool,
    mask: Option<String>,
    length: u64,
    wire: u64,
    head: String,
}

impl Shown {
    pub(crate) fn new(way: Way, frame: &Frame) -> Self {
        let mask = frame.mask();
        Self {
            way: match way {
                Way::In => "in",
                Way::Out => "out",
            },
            opcode: frame.opcode(),
            name: frame.name(),
            fin: frame.fin(),
            rsv1: frame.rsv1(),
            masked: mask.is_some(),
            mask: mask.map(|key| hex(&key)),
            length: frame.len(),
            wire: frame.wire(),
            head: hex(frame.head()),
        }
    }
}

fn as_str<S: Serializer>(text: &tidewire::Text, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(text)
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum By {
    Server,
    Client,
    /// It ended without a Close frame.
    Nobody,
}

/// Where something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stage {
    /// Between the page and the agent.
    Agent,
    Dns,
    Tcp,
    Tls,
    Handshake,
    Protocol,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_opening_has_defaults_and_needs_a_key_and_a_url() {
        let read = open(r#"{"op":"open","key":"k","url":"ws://a/"}"#).unwrap();
        assert!(read.deflate && !read.frames && !read.insecure);
        assert!(read.protocols.is_empty() && read.headers.is_empty() && read.origin.is_none());
        let read = open(
            r#"{"op":"open","key":"k","url":"wss://a/","protocols":["x"],"headers":[["A","1"],["A","2"]],
                "origin":"https://b","insecure":true,"deflate":false,"frames":true,"later":1}"#,
        );
        let read = read.unwrap();
        assert_eq!(read.headers.len(), 2);
        assert!(read.insecure && !read.deflate && read.frames);
        for wrong in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"op":"open"}"#,
            r#"{"op":"open","key":"k"}"#,
            r#"{"op":"open","key":1,"url":"ws://a/"}"#,
            r#"{"op":"send","text":"x"}"#,
            r#"{"op":"open","key":"k","url":"ws://a/","headers":{"A":"1"}}"#,
            r#"{"op":"open","op":"open","key":"k","key":"k","url":"ws://a/"}"#,
            &"[".repeat(100_000),
            &format!("{}1{}", r#"{"op":"#.repeat(5000), "}".repeat(5000)),
        ] {
            let told = open(wrong).unwrap_err();
            assert!(told.contains("\"op\":\"open\""), "{told}");
        }
    }

    #[test]
    fn commands_are_read_and_nothing_else() {
        let text = String::from("a\u{2028}\u{0}");
        let send = serde_json::json!({"op": "send", "text": text}).to_string();
        assert_eq!(command(&send), Ok(Command::Send { text }));
        assert_eq!(command(r#"{"op":"ping"}"#), Ok(Command::Ping));
        let close = Command::Close {
            code: None,
            reason: String::new(),
        };
        assert_eq!(command(r#"{"op":"close"}"#), Ok(close));
        for wrong in [
            "",
            "7",
            r#"{"op":"open","key":"k","url":"ws://a/"}"#,
            r#"{"op":"SEND","text":"x"}"#,
            r#"{"op":"send"}"#,
            r#"{"op":"send","text":{"a":1}}"#,
            r#"{"op":"close","code":70000}"#,
            r#"{"op":"close","code":-1}"#,
            r#"{"op":"send","text":"\ud800"}"#,
        ] {
            assert!(command(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_frame_is_told_with_its_bits_and_bytes() {
        let mut bytes: &[u8] = &[0x41, 0x85, 1, 2, 3, 0xff, 0, 0, 0, 0, 0];
        let frame = tidewire::wire::Frames::new().next(&mut bytes).unwrap();
        let event = Event::Frame(Shown::new(Way::Out, &frame));
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            concat!(
                r#"{"ev":"frame","way":"out","opcode":1,"name":"text","fin":false,"rsv1":true,"#,
                r#""masked":true,"mask":"010203ff","length":5,"wire":11,"head":"4185010203ff"}"#
            )
        );
        let event = Event::Ping;
        assert_eq!(serde_json::to_string(&event).unwrap(), r#"{"ev":"ping"}"#);
    }
}
