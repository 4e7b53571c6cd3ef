//! What a case is: what is done to a server, what it has to do then, and how that is judged.

use http::Response;
use serde::Serialize;
use tidewire_proto::deflate::Params;

use crate::raw::frame::{BINARY, TEXT};
use crate::raw::{Arrived, Ask, Frame};

/// One thing that a server is held to.
pub(crate) struct Case {
    /// `section/what`.
    pub(crate) name: String,
    /// Where it is written.
    pub(crate) rfc: &'static str,
    /// What is expected, in words.
    pub(crate) expected: String,
    pub(crate) act: Act,
}

/// What is done to the server.
pub(crate) enum Act {
    /// Frames over an open WebSocket.
    Talk(Talk),
    /// A request.
    Handshake(Handshake),
}

/// What is sent and awaited over one WebSocket.
pub(crate) struct Talk {
    /// The compression that is offered; without an agreement the case is skipped.
    pub(crate) offer: Option<&'static str>,
    /// Made when the case is run, of what was agreed.
    pub(crate) steps: Script,
    pub(crate) end: End,
}

/// Makes the steps.
pub(crate) type Script = Box<dyn Fn(&Params) -> Vec<Step>>;

/// A step on the way.
pub(crate) enum Step {
    /// These bytes, in one go.
    Send(Vec<u8>),
    /// The same, so many bytes at a time.
    Dribble(Vec<u8>, usize),
    /// All of these, and nothing else, in this order or nearly.
    Await(Vec<Arrived>),
    /// Pongs to some of the Pings, the last of them among these (§5.5.3).
    AwaitLastPong(Vec<Vec<u8>>),
}

/// How it has to end.
pub(crate) enum End {
    /// The connection works as before.
    Open,
    /// The server fails the connection, with one of these codes.
    Fails { codes: &'static [u16], lax: Lax },
    /// The same at once; `rest` is what it may have waited for.
    FailsFast {
        codes: &'static [u16],
        rest: Vec<u8>,
    },
    /// The Close frame is answered, best with this code, and TCP ended.
    Closes(Option<u16>),
    /// The Close frame is answered, and nothing else.
    ClosesOnly,
    /// The message comes back, or is refused as too big.
    EchoOrTooBig(Vec<u8>),
}

/// What is no more than not strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lax {
    Nothing,
    /// Taking it.
    Taken,
    /// Waiting.
    Silence,
}

/// A request, and what has to be answered.
pub(crate) struct Handshake {
    pub(crate) change: Box<dyn Fn(&mut Ask)>,
    /// How many bytes are sent at once.
    pub(crate) part: usize,
    pub(crate) want: Answer,
}

/// What a request has to be answered with.
pub(crate) enum Answer {
    /// A WebSocket that works.
    Opens,
    /// Anything but a WebSocket, best with one of these statuses; `lax`: opening one is no more than
    /// not strict.
    Refused { best: &'static [u16], lax: bool },
    /// A WebSocket, and this is right about the answer; or a refusal, judged so.
    Opened(fn(&Response<()>) -> Outcome, Verdict),
}

/// How a case went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Pass,
    /// Against a SHOULD, or beyond what has to be taken.
    NonStrict,
    Fail,
    Skipped,
}

/// A verdict, and what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    pub(crate) seen: String,
}

impl Outcome {
    pub(crate) fn pass(seen: impl Into<String>) -> Self {
        Self::of(Verdict::Pass, seen)
    }

    pub(crate) fn lax(seen: impl Into<String>) -> Self {
        Self::of(Verdict::NonStrict, seen)
    }

    pub(crate) fn fail(seen: impl Into<String>) -> Self {
        Self::of(Verdict::Fail, seen)
    }

    pub(crate) fn of(verdict: Verdict, seen: impl Into<String>) -> Self {
        Self {
            verdict,
            seen: seen.into(),
        }
    }
}

impl Case {
    /// A case over a WebSocket without compression.
    pub(crate) fn talk(
        name: impl Into<String>,
        rfc: &'static str,
        expected: impl Into<String>,
        end: End,
        steps: impl Fn() -> Vec<Step> + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            rfc,
            expected: expected.into(),
            act: Act::Talk(Talk {
                offer: None,
                steps: Box::new(move |_| steps()),
                end,
            }),
        }
    }

    /// A case of frames that break the protocol (RFC 6455 §7.4.1: 1002).
    pub(crate) fn broken(
        name: impl Into<String>,
        rfc: &'static str,
        what: &str,
        frames: impl Fn() -> Vec<Frame> + 'static,
    ) -> Self {
        let expected = format!("{what} fails the connection with 1002");
        let steps = move || vec![send(frames())];
        Self::talk(name, rfc, expected, fails(&[1002]), steps)
    }

    /// Its section.
    pub(crate) fn section(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }
}

/// Frames in one go.
pub(crate) fn send(frames: impl IntoIterator<Item = Frame>) -> Step {
    Step::Send(frames.into_iter().flat_map(|frame| frame.bytes()).collect())
}

/// A text message comes back.
pub(crate) fn text(data: impl AsRef<[u8]>) -> Arrived {
    let data = data.as_ref().to_vec();
    Arrived::Message {
        binary: false,
        data,
    }
}

/// A binary message comes back.
pub(crate) fn binary(data: impl AsRef<[u8]>) -> Arrived {
    let data = data.as_ref().to_vec();
    Arrived::Message { binary: true, data }
}

/// A message comes back.
pub(crate) fn message(opcode: u8, data: &[u8]) -> Arrived {
    debug_assert!([TEXT, BINARY].contains(&opcode));
    if opcode == TEXT {
        text(data)
    } else {
        binary(data)
    }
}

/// The server fails the connection, with one of these codes; nothing else is right.
pub(crate) fn fails(codes: &'static [u16]) -> End {
    let lax = Lax::Nothing;
    End::Fails { codes, lax }
}

/// Whether a name matches a pattern of `*` and `?`; a section's name stands for all of it.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    fn glob(pattern: &[u8], name: &[u8]) -> bool {
        let (mut at, mut star) = ((0, 0), None);
        while at.1 < name.len() {
            match pattern.get(at.0) {
                Some(b'*') => {
                    star = Some(at);
                    at.0 += 1;
                }
                Some(&byte) if byte == b'?' || byte == name[at.1] => at = (at.0 + 1, at.1 + 1),
                _ => match star {
                    Some((stars, from)) => {
                        star = Some((stars, from + 1));
                        at = (stars + 1, from + 1);
                    }
                    None => return false,
                },
            }
        }
        pattern[at.0..].iter().all(|byte| *byte == b'*')
    }
    let section = name.split('/').next().unwrap_or_default();
    glob(pattern.as_bytes(), name.as_bytes()) || glob(pattern.as_bytes(), section.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_choose_cases_and_sections() {
        for (pattern, name, chosen) in [
            ("utf8", "utf8/surrogate", true),
            ("utf8/surrogate", "utf8/surrogate", true),
            ("utf8/*gate", "utf8/surrogate", true),
            ("*/s?rro*", "utf8/surrogate", true),
            ("*", "utf8/surrogate", true),
            ("utf", "utf8/surrogate", false),
            ("utf8/", "utf8/surrogate", false),
            ("", "utf8/surrogate", false),
            ("utf8/surrogates", "utf8/surrogate", false),
            (
                "*a*a*a*a*a*b",
                "utf8/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                false,
            ),
        ] {
            assert_eq!(matches(pattern, name), chosen, "{pattern} {name}");
        }
    }
}
