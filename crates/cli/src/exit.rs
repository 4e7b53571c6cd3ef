//! The exit codes of the command, one meaning each.

use std::io::Write as _;
use std::process::ExitCode;

/// How a run of `tidewire` ended. The numbers are part of the command's contract and are listed
/// in `tidewire connect --help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All went well; for a client: closed with 1000, 1001 or without a code.
    Clean = 0,
    /// Something on this side failed: a port in use, input that cannot be read.
    Local = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The host name has no address.
    Dns = 3,
    /// No TCP connection.
    Unreachable = 4,
    /// TLS is needed, or failed.
    Tls = 5,
    /// The server gave an HTTP answer other than 101.
    Refused = 6,
    /// The server said 101, but not as a WebSocket server would.
    BadHandshake = 7,
    /// One side broke the protocol, sent bad UTF-8, or sent more than the limit.
    Protocol = 8,
    /// The connection ended without a Close frame (1006).
    Abnormal = 9,
    /// The peer closed with a code other than 1000 and 1001.
    OtherCode = 10,
    /// A deadline passed.
    Timeout = 11,
    /// The proxy could not be used, or did not connect us.
    Proxy = 12,
    /// `bench`: the client was at its limit, so the figures tell nothing of the server.
    Saturated = 13,
    /// Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Prints `error: …` and gives the code back.
pub(crate) fn error(exit: Exit, sentence: &str) -> Exit {
    say(&format!("error: {sentence}"));
    exit
}

/// Prints a line on stderr. If nobody reads it, nobody misses it.
pub(crate) fn say(line: &str) {
    _ = writeln!(std::io::stderr(), "{line}");
}
