//! What a line typed at the prompt asks for: a message, or one of the commands of `help/keys.txt`.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use clap::ValueEnum;
use tidewire::CloseCode;

use crate::args::{Pretty, Time, seconds};
use crate::term;

/// The commands, for Tab.
pub(super) const NAMES: &[&str] = &[
    "/bin",
    "/clear",
    "/close",
    "/every",
    "/file",
    "/filter",
    "/headers",
    "/help",
    "/json",
    "/last",
    "/ping",
    "/pong",
    "/pretty",
    "/quit",
    "/reconnect",
    "/record",
    "/resend",
    "/save",
    "/stats",
    "/stop",
    "/time",
];

/// Bytes in a control frame (RFC 6455 §5.5); a Close has two for its code.
const CONTROL: usize = 125;

/// Pings that one command sends at most.
const PINGS: u32 = 1000;

/// Messages are not sent more often than this by `/every`.
const SHORTEST: Duration = Duration::from_millis(10);

/// What was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// To be sent as text.
    Message(String),
    /// To be done here.
    Command(Command),
}

/// A command with what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Ping {
        text: String,
        count: u32,
    },
    Pong(String),
    Close {
        code: CloseCode,
        reason: String,
    },
    Binary(Vec<u8>),
    BinaryFile(PathBuf),
    TextFile(PathBuf),
    /// Whether what is sent must be JSON; None: the other way round than now.
    Json(Option<bool>),
    Pretty(Pretty),
    Time(Time),
    /// A regular expression; None: show everything.
    Filter(Option<String>),
    Last(usize),
    Resend(usize),
    Save(PathBuf),
    /// None: stop recording.
    Record(Option<PathBuf>),
    Every {
        pause: Duration,
        text: String,
    },
    Stop,
    Headers,
    Stats,
    Clear,
    Reconnect,
    Quit,
    Help,
}

/// Makes sense of an entry. Without `slash` each is a message; one of several lines is so always, or a
/// paste could command.
///
/// # Errors
/// A sentence for the user, who can then mend the line.
pub(super) fn parse(line: &str, slash: bool) -> Result<Entry, String> {
    let commands = slash && !line.contains('\n');
    let Some(rest) = line.strip_prefix('/').filter(|_| commands) else {
        return Ok(Entry::Message(line.to_owned()));
    };
    if rest.starts_with('/') {
        return Ok(Entry::Message(rest.to_owned()));
    }
    let (name, argument) = rest
        .split_once(char::is_whitespace)
        .map_or((rest, ""), |(name, argument)| (name, argument.trim()));
    command(name, argument).map(Entry::Command)
}

fn command(name: &str, argument: &str) -> Result<Command, String> {
    let plain = |command: Command| match argument {
        "" => Ok(command),
        _ => Err(format!("/{name} takes nothing after it")),
    };
    match name {
        "ping" => ping(argument),
        "pong" => Ok(Command::Pong(control("/pong", argument, CONTROL)?)),
        "close" => close(argument),
        "bin" => binary(argument),
        "file" => Ok(Command::TextFile(path("/file", argument)?)),
        "json" => match argument {
            "" => Ok(Command::Json(None)),
            "on" => Ok(Command::Json(Some(true))),
            "off" => Ok(Command::Json(Some(false))),
            _ => Err("/json takes on or off".to_owned()),
        },
        "pretty" => choice(argument)
            .map(Command::Pretty)
            .ok_or_else(|| "/pretty takes on, off or auto".to_owned()),
        "time" => choice(argument)
            .map(Command::Time)
            .ok_or_else(|| "/time takes off, abs, rel or delta".to_owned()),
        "filter" => Ok(Command::Filter(
            (!argument.is_empty()).then(|| argument.to_owned()),
        )),
        "last" => Ok(Command::Last(number("/last", argument)?)),
        "resend" => Ok(Command::Resend(number("/resend", argument)?)),
        "save" => Ok(Command::Save(path("/save", argument)?)),
        "record" if argument == "stop" => Ok(Command::Record(None)),
        "record" => Ok(Command::Record(Some(path("/record", argument)?))),
        "every" => every(argument),
        "stop" => plain(Command::Stop),
        "headers" => plain(Command::Headers),
        "stats" => plain(Command::Stats),
        "clear" => plain(Command::Clear),
        "reconnect" => plain(Command::Reconnect),
        "quit" | "exit" => plain(Command::Quit),
        "help" | "?" => plain(Command::Help),
        _ => Err(format!(
            "no command /{}; /help lists them, and //{0} sends the line as a message",
            term::line(name, 40)
        )),
    }
}

/// `[TEXT] [xN]`.
fn ping(argument: &str) -> Result<Command, String> {
    let (before, last) = argument
        .rsplit_once(char::is_whitespace)
        .map_or(("", argument), |(before, last)| (before.trim_end(), last));
    let count = last
        .strip_prefix('x')
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    let (text, count) = match count {
        None => (argument, 1),
        Some(digits) => match digits.parse() {
            Ok(count @ 1..=PINGS) => (before, count),
            _ => return Err(format!("/ping sends 1 to {PINGS} pings, not {digits}")),
        },
    };
    Ok(Command::Ping {
        text: control("/ping", text, CONTROL)?,
        count,
    })
}

/// `[CODE [REASON]]`.
fn close(argument: &str) -> Result<Command, String> {
    if argument.is_empty() {
        return Ok(Command::Close {
            code: CloseCode::NORMAL,
            reason: String::new(),
        });
    }
    let (code, reason) = argument
        .split_once(char::is_whitespace)
        .map_or((argument, ""), |(code, reason)| (code, reason.trim()));
    let number: u16 = code.parse().map_err(|_| {
        format!(
            "/close takes a code first, as in /close 1000 bye; {:?} is none",
            term::line(code, 40)
        )
    })?;
    let code = CloseCode(number);
    if !code.may_be_sent() {
        return Err(format!(
            "/close: {number} may not be sent; 1000, 1001, 1008 and 3000 to 4999 may, for example"
        ));
    }
    let reason = control("/close", reason, CONTROL - 2)?;
    Ok(Command::Close { code, reason })
}

/// `00 01 ff`, `b64:AAH/`, `@FILE`.
fn binary(argument: &str) -> Result<Command, String> {
    if let Some(file) = argument.strip_prefix('@') {
        return Ok(Command::BinaryFile(path("/bin @", file)?));
    }
    if let Some(digits) = argument.strip_prefix("b64:") {
        let lenient =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        return GeneralPurpose::new(&ALPHABET, lenient)
            .decode(digits)
            .map(Command::Binary)
            .map_err(|error| format!("/bin: no base64: {error}"));
    }
    let digits = argument.strip_prefix("0x").unwrap_or(argument);
    let digits = digits
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, ':' | ','));
    let mut values = Vec::new();
    for digit in digits {
        let value = digit.to_digit(16).ok_or_else(|| {
            format!(
                "/bin takes hex digits, b64:… or @FILE; {:?} is no hex digit",
                term::line(&digit.to_string(), 8)
            )
        })?;
        values.push(u8::try_from(value).unwrap_or_default());
    }
    let (pairs, rest) = values.as_chunks::<2>();
    match (pairs, rest) {
        ([], []) => Err("/bin takes the bytes to send: 00 01 ff, b64:AAH/ or @FILE".to_owned()),
        (pairs, []) => Ok(Command::Binary(
            pairs.iter().map(|[high, low]| high << 4 | low).collect(),
        )),
        _ => Err(format!(
            "/bin: {} hex digits are no whole number of bytes",
            values.len()
        )),
    }
}

/// `TIME TEXT`.
fn every(argument: &str) -> Result<Command, String> {
    let usage = || "/every takes a time and a text, as in /every 5s hello".to_owned();
    let (pause, text) = argument.split_once(char::is_whitespace).ok_or_else(usage)?;
    let pause = seconds(pause).map_err(|error| format!("/every: {error}"))?;
    if pause < SHORTEST {
        return Err("/every: the time must be at least 10ms".to_owned());
    }
    match text.trim_start() {
        "" => Err(usage()),
        text => Ok(Command::Every {
            pause,
            text: text.to_owned(),
        }),
    }
}

/// The text of a control frame.
fn control(name: &str, text: &str, most: usize) -> Result<String, String> {
    match text.len() {
        length if length > most => Err(format!(
            "{name}: the text has {length} bytes, and {most} fit in the frame"
        )),
        _ => Ok(text.to_owned()),
    }
}

fn path(name: &str, argument: &str) -> Result<PathBuf, String> {
    match argument {
        "" => Err(format!("{name} takes the path of a file")),
        argument => Ok(term::path(argument)),
    }
}

/// A count from one; one if nothing is said.
fn number(name: &str, argument: &str) -> Result<usize, String> {
    match argument {
        "" => Ok(1),
        argument => match argument.parse() {
            Ok(number @ 1..) => Ok(number),
            _ => Err(format!("{name} takes a number from 1")),
        },
    }
}

fn choice<T: ValueEnum>(argument: &str) -> Option<T> {
    T::from_str(argument, true).ok()
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
