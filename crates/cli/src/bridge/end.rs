//! What can be joined, as it is typed.

use crate::addr::ListenAddr;
use crate::bind::Place;

/// One end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// A WebSocket server to connect to.
    WebSocket(String),
    /// A TCP server to connect to.
    Tcp(ListenAddr),
    /// A Unix socket to connect to.
    Unix(String),
    /// A command to run, once a connection.
    Command(Vec<String>),
    /// stdin and stdout.
    Stdio,
    /// Who connects here.
    Listen(Guests, Place),
}

/// What those speak who connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guests {
    WebSocket,
    Bytes,
}

impl End {
    /// Makes sense of what was typed.
    ///
    /// # Errors
    /// A sentence that says what could be written.
    pub(super) fn parse(text: &str) -> Result<End, String> {
        if text == "-" || text == "stdio:" {
            return Ok(End::Stdio);
        }
        let scheme = text.split_once("://").map(|(scheme, _)| scheme);
        if matches!(scheme, Some("ws" | "wss")) {
            return Ok(End::WebSocket(text.to_owned()));
        }
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match (kind, rest) {
            ("ws-l", rest) => Ok(End::Listen(Guests::WebSocket, Place::parse(rest)?)),
            ("tcp-l", rest) => match Place::parse(rest)? {
                place @ Place::Tcp(_) => Ok(End::Listen(Guests::Bytes, place)),
                Place::Unix(_) => Err("for a Unix socket write unix-l:PATH".to_owned()),
            },
            ("tcp", rest) => match Place::parse(rest) {
                Ok(Place::Tcp(addr)) if addr.port != 0 => Ok(End::Tcp(addr)),
                _ => Err(format!("{text:?} is no TCP server: write tcp:HOST:PORT")),
            },
            ("unix" | "unix-l" | "exec" | "sh-c", "") => {
                Err(format!("what comes after {kind}: is missing"))
            }
            ("unix", path) => Ok(End::Unix(path.to_owned())),
            ("unix-l", path) => Ok(End::Listen(Guests::Bytes, Place::Unix(path.to_owned()))),
            ("exec", line) => match shlex::split(line) {
                Some(words) if !words.is_empty() => Ok(End::Command(words)),
                _ => Err(format!("the quotes in {text:?} do not match")),
            },
            ("sh-c", line) => Ok(End::Command(["sh", "-c", line].map(str::to_owned).into())),
            _ => Err(format!(
                "{text:?} is no end of a bridge: write ws://…, wss://…, ws-l:PORT, tcp:HOST:PORT, \
                 tcp-l:PORT, unix:PATH, unix-l:PATH, exec:'PROG ARGS', sh-c:'COMMAND', or - for stdin \
                 and stdout"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ends_are_what_they_are_called() {
        let words = |words: &[&str]| End::Command(words.iter().map(|&w| w.to_owned()).collect());
        for (text, expected) in [
            ("-", End::Stdio),
            ("ws://h:1/x", End::WebSocket("ws://h:1/x".to_owned())),
            ("unix:/a b", End::Unix("/a b".to_owned())),
            ("exec:cat", words(&["cat"])),
            ("exec:a 'b c' \"d\"", words(&["a", "b c", "d"])),
            ("sh-c:a | b", words(&["sh", "-c", "a | b"])),
            (
                "unix-l:/x",
                End::Listen(Guests::Bytes, Place::Unix("/x".to_owned())),
            ),
        ] {
            assert_eq!(End::parse(text), Ok(expected), "{text}");
        }
        let listens = |text| match End::parse(text) {
            Ok(End::Listen(_, Place::Tcp(addr))) => Some((addr.host, addr.port)),
            _ => None,
        };
        assert_eq!(listens("ws-l:3000"), Some(("127.0.0.1".to_owned(), 3000)));
        assert_eq!(listens("tcp-l:0.0.0.0:1"), Some(("0.0.0.0".to_owned(), 1)));
    }

    #[test]
    fn everything_else_is_told() {
        for text in [
            "",
            "x",
            "ws:",
            "ws-l:",
            "ws-l:x",
            "tcp:",
            "tcp:h",
            "tcp:h:0",
            "tcp-l:unix:/x",
            "unix:",
            "exec:",
            "exec:   ",
            "exec:'a",
            "sh-c:",
            "ftp://h",
            "--",
        ] {
            assert!(
                End::parse(text).is_err(),
                "{text:?}: {:?}",
                End::parse(text)
            );
        }
    }
}
