//! What the client says on stderr: connected, closed and how.

use tidewire::{CloseCode, CloseStory, ClosedBy, Error, WebSocket};

use crate::exit::Exit;
use crate::term;

/// Tells that the connection is open.
pub(crate) fn connected(ws: &WebSocket, offered: &[String]) {
    eprintln!("Connected (press CTRL+C to quit)");
    match ws.subprotocol() {
        Some(name) => eprintln!("subprotocol: {}", term::line(&name, 100)),
        None if !offered.is_empty() => {
            eprintln!("subprotocol: none; the server chose none of those offered");
        }
        None => {}
    }
}

/// Judges an ended conversation: the exit code, and the line for the user.
pub(crate) fn ended(result: Result<(), Error>, story: Option<CloseStory>) -> (Exit, String) {
    let story = match &result {
        Err(Error::Closed(story)) => Some((**story).clone()),
        _ => story,
    };
    let (sent, received, by) = match story {
        Some(story) => (story.sent, story.received, story.by),
        None => (None, None, ClosedBy::Network),
    };
    // Whose code tells the story: the peer's, if it said one; ours, if we had to end it.
    let frame = match (&result, by) {
        (Err(Error::Protocol(_) | Error::Limit(_)), _) => sent,
        (_, ClosedBy::Network) => None,
        _ => received,
    };
    let code = frame
        .as_ref()
        .map_or(CloseCode::ABNORMAL, |frame| frame.code);
    let reason = frame.as_ref().map_or("", |frame| &frame.reason);
    let mut line = disconnected(code, reason);
    let exit = match &result {
        Err(error @ (Error::Protocol(_) | Error::Limit(_))) => {
            line += &format!("; {}", term::line(&error.to_string(), 300));
            Exit::Protocol
        }
        Err(error @ (Error::Timeout(_) | Error::Io(_))) => {
            line += &format!("; {}", term::line(&error.to_string(), 300));
            if matches!(error, Error::Timeout(_)) {
                Exit::Timeout
            } else {
                Exit::Abnormal
            }
        }
        _ => match code {
            CloseCode::ABNORMAL => Exit::Abnormal,
            code if code.is_clean() => Exit::Clean,
            CloseCode::PROTOCOL_ERROR
            | CloseCode::UNSUPPORTED
            | CloseCode::INVALID_PAYLOAD
            | CloseCode::MESSAGE_TOO_BIG => Exit::Protocol,
            _ => Exit::OtherCode,
        },
    };
    (exit, line)
}

/// The words that wscat has too, so that scripts find them, and what the code means.
fn disconnected(code: CloseCode, reason: &str) -> String {
    let reason = term::line(reason, 130);
    format!(
        "Disconnected (code: {}, reason: \"{reason}\"): {}",
        code.0,
        code.name()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_greppable_as_wscat_has_it_and_says_what_it_means() {
        assert_eq!(
            disconnected(CloseCode::ABNORMAL, ""),
            "Disconnected (code: 1006, reason: \"\"): abnormal closure"
        );
    }
}
