//! How a conversation ended: what the connection's end says, what was waited for, and the exit code.

use tidewire::{CloseCode, CloseStory, ClosedBy, Error};

use super::check::Missing;
use super::link::NoLink;
use crate::dial;
use crate::exit::{self, Exit};
use crate::term;

/// How it ended, and what is still to be said of it.
pub(super) struct End {
    pub(super) exit: Exit,
    /// The status line, which `--quiet` leaves out.
    pub(super) line: Option<String>,
    /// What went wrong on this side.
    pub(super) errors: Vec<String>,
    /// The attempt to connect again that failed for good, and the URL.
    pub(super) failed: Option<(String, NoLink)>,
}

impl End {
    /// Says it all on stderr, and gives the exit code.
    pub(super) fn say(self, quiet: bool) -> Exit {
        if let Some(line) = self.line.filter(|_| !quiet) {
            exit::say(&line);
        }
        for sentence in &self.errors {
            exit::error(self.exit, sentence);
        }
        match self.failed {
            None => self.exit,
            Some((url, attempt)) => {
                attempt.steps.iter().for_each(|line| exit::say(line));
                let exit = dial::explain(&url, attempt.error);
                // A check that failed, Ctrl-C and the like say more than why there is no connection.
                if self.exit == Exit::Clean {
                    exit
                } else {
                    self.exit
                }
            }
        }
    }
}

/// What ends a conversation from our side.
#[derive(Debug)]
pub(super) enum Why {
    /// All has been said and heard.
    Done,
    /// The user's side asked for it.
    Asked,
    /// What is waited for did not come in the time of `--within`, or of `--wait`.
    TooLong,
    /// `--timeout`.
    Timeout,
    /// No Pong came.
    NoPong,
    InputFailed(String),
    /// `tidewire … | head -1` has what it wanted.
    OutputGone,
    OutputFailed(std::io::Error),
    Interrupted,
}

/// How one connection ended.
#[derive(Debug)]
pub(crate) struct Last {
    /// The code and the reason that tell the story.
    pub(crate) code: CloseCode,
    pub(crate) reason: String,
    /// Who began.
    pub(crate) by: ClosedBy,
    pub(crate) exit: Exit,
    /// What the line says behind the code.
    remark: Option<String>,
}

impl Last {
    /// Of a connection that is over; `ours`: we had begun to close it, in order.
    pub(crate) fn of(result: &Result<(), Error>, story: Option<CloseStory>, ours: bool) -> Last {
        let story = match result {
            Err(Error::Closed(story)) => Some((**story).clone()),
            _ => story,
        };
        let (sent, received, by) = match story {
            Some(story) => (story.sent, story.received, story.by),
            None => (None, None, ClosedBy::Network),
        };
        let broken = matches!(result, Err(Error::Protocol(_) | Error::Limit(_)));
        let unanswered = ours && !broken && received.is_none();
        // Whose code tells the story: the peer's, if it said one; ours, if we had to end it.
        let frame = match by {
            _ if broken || unanswered => sent.as_ref(),
            ClosedBy::Network => None,
            _ => received.as_ref(),
        };
        let code = frame.map_or(CloseCode::ABNORMAL, |frame| frame.code);
        let reason = frame.map_or_else(String::new, |frame| frame.reason.to_string());
        let same = sent.map(|sent| sent.code) == Some(code);
        let remark = match result {
            _ if unanswered => Some("the server did not answer our Close".to_owned()),
            Err(Error::Closed(_)) | Ok(()) => None,
            Err(error) => Some(term::line(&error.to_string(), 300)),
        };
        let exit = match result {
            _ if broken => Exit::Protocol,
            _ if unanswered => Exit::Clean,
            Err(Error::Timeout(_)) => Exit::Timeout,
            Err(Error::Io(_)) => Exit::Abnormal,
            _ if ours && by == ClosedBy::Us && same => Exit::Clean,
            _ => of_code(code),
        };
        Last {
            code,
            reason,
            by,
            exit,
            remark,
        }
    }

    /// The words that wscat has too, so that scripts find them, and what the code means.
    pub(crate) fn line(&self) -> String {
        let line = format!(
            "Disconnected (code: {}, reason: \"{}\"): {}",
            self.code.0,
            term::line(&self.reason, 130),
            self.code.name()
        );
        match &self.remark {
            Some(remark) => format!("{line}; {remark}"),
            None => line,
        }
    }

    /// Whether it is what `--expect-close` asks for.
    fn is(&self, wanted: CloseCode) -> bool {
        self.code == wanted && self.by != ClosedBy::Us
    }
}

fn of_code(code: CloseCode) -> Exit {
    match code {
        CloseCode::ABNORMAL => Exit::Abnormal,
        code if code.is_clean() => Exit::Clean,
        CloseCode::PROTOCOL_ERROR
        | CloseCode::UNSUPPORTED
        | CloseCode::INVALID_PAYLOAD
        | CloseCode::MESSAGE_TOO_BIG => Exit::Protocol,
        _ => Exit::OtherCode,
    }
}

/// What there is to judge an end by.
pub(super) struct Case {
    /// Why we ended it, if we did.
    pub(super) why: Option<Why>,
    /// How the last connection ended; None: there was none at the end.
    pub(super) last: Option<Last>,
    pub(super) missing: Option<Missing>,
    pub(super) expect_close: Option<CloseCode>,
    /// The output, flushed.
    pub(super) flushed: std::io::Result<()>,
    /// The last attempt to connect failed, which will be said.
    pub(super) failed: bool,
}

/// The exit code, and what to say. What the user did, and failures of this side, come before checks;
/// checks before what the server did; and that before what merely did not come.
pub(super) fn judge(case: Case) -> End {
    let line = case.last.as_ref().map(Last::line);
    let mut end = End {
        exit: case.last.as_ref().map_or(Exit::Clean, |last| last.exit),
        line,
        errors: Vec::new(),
        failed: None,
    };
    let why = match (case.why, case.flushed) {
        (Some(why @ (Why::OutputGone | Why::OutputFailed(_) | Why::Interrupted)), _) => Some(why),
        (_, Err(error)) => Some(output(error)),
        (why, Ok(())) => why,
    };
    match why {
        Some(Why::Interrupted) => {
            end.exit = Exit::Interrupted;
            return end;
        }
        Some(Why::OutputGone) => {
            end.exit = Exit::Clean;
            end.line = None;
            return end;
        }
        Some(Why::OutputFailed(error)) => return local(end, format!("cannot write: {error}")),
        Some(Why::InputFailed(sentence)) => return local(end, sentence),
        _ => {}
    }
    let timeout = matches!(why, Some(Why::Timeout));
    if timeout {
        end.exit = Exit::Timeout;
        end.errors.push("the time of --timeout is over".to_owned());
    }
    if matches!(why, Some(Why::NoPong)) {
        end.exit = Exit::Timeout;
        end.errors
            .push("no Pong came in the time of --ping-timeout".to_owned());
    }
    if let Some(wanted) = case.expect_close {
        match case.last {
            Some(last) if last.is(wanted) => end.exit = Exit::Clean,
            last => {
                end.exit = Exit::Local;
                end.errors.push(other_close(wanted, last.as_ref()));
            }
        }
    }
    match case.missing {
        Some(Missing::Expected(sentence)) => {
            end.exit = Exit::Local;
            end.errors.push(sentence);
        }
        Some(Missing::Reach(sentence)) => {
            if end.exit == Exit::Clean && !case.failed {
                end.exit = Exit::Timeout;
            }
            end.errors.push(sentence);
        }
        None => {}
    }
    end
}

fn other_close(wanted: CloseCode, last: Option<&Last>) -> String {
    match last {
        Some(last) if last.by != ClosedBy::Us => format!(
            "--expect-close {}: the server closed with {}",
            wanted.0, last.code.0
        ),
        _ => format!("--expect-close {}: the server did not close", wanted.0),
    }
}

fn local(mut end: End, sentence: String) -> End {
    end.exit = Exit::Local;
    end.errors.push(sentence);
    end
}

/// What a failure to write means.
pub(super) fn output(error: std::io::Error) -> Why {
    match error.kind() {
        std::io::ErrorKind::BrokenPipe => Why::OutputGone,
        _ => Why::OutputFailed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(code: u16, by: ClosedBy, exit: Exit) -> Last {
        Last {
            code: CloseCode(code),
            reason: String::new(),
            by,
            exit,
            remark: None,
        }
    }

    fn exit(why: Option<Why>, last: Last, missing: Option<Missing>, close: Option<u16>) -> Exit {
        judge(Case {
            why,
            last: Some(last),
            missing,
            expect_close: close.map(CloseCode),
            flushed: Ok(()),
            failed: false,
        })
        .exit
    }

    #[test]
    fn the_end_is_greppable_as_wscat_has_it_and_says_what_it_means() {
        let last = Last::of(&Ok(()), None, false);
        assert_eq!(
            last.line(),
            "Disconnected (code: 1006, reason: \"\"): abnormal closure"
        );
        assert_eq!(last.exit, Exit::Abnormal);
    }

    #[test]
    fn what_was_not_met_outweighs_how_it_closed() {
        let expected = || Some(Missing::Expected("x".into()));
        let reach = || Some(Missing::Reach("x".into()));
        let clean = || last(1000, ClosedBy::Us, Exit::Clean);
        let killed = || last(1006, ClosedBy::Network, Exit::Abnormal);
        let done = || Some(Why::Done);
        assert_eq!(exit(done(), clean(), None, None), Exit::Clean);
        assert_eq!(exit(done(), clean(), expected(), None), Exit::Local);
        assert_eq!(exit(None, killed(), expected(), None), Exit::Local);
        assert_eq!(exit(done(), clean(), reach(), None), Exit::Timeout);
        assert_eq!(exit(None, killed(), reach(), None), Exit::Abnormal);
        assert_eq!(
            exit(Some(Why::Timeout), clean(), reach(), None),
            Exit::Timeout
        );
        assert_eq!(exit(Some(Why::Timeout), clean(), None, None), Exit::Timeout);
        assert_eq!(
            exit(Some(Why::Timeout), clean(), expected(), None),
            Exit::Local
        );
        assert_eq!(
            exit(Some(Why::Interrupted), clean(), expected(), None),
            Exit::Interrupted
        );
        assert_eq!(
            exit(Some(Why::OutputGone), killed(), expected(), None),
            Exit::Clean
        );
    }

    #[test]
    fn a_close_that_was_asked_for_is_no_failure_and_any_other_is() {
        let by = |code, by, exit| last(code, by, exit);
        let private = || by(4001, ClosedBy::Peer, Exit::OtherCode);
        assert_eq!(exit(None, private(), None, Some(4001)), Exit::Clean);
        assert_eq!(exit(None, private(), None, Some(4002)), Exit::Local);
        let ours = by(1000, ClosedBy::Us, Exit::Clean);
        assert_eq!(exit(Some(Why::Done), ours, None, Some(1000)), Exit::Local);
        let killed = by(1006, ClosedBy::Network, Exit::Abnormal);
        assert_eq!(exit(None, killed, None, Some(1006)), Exit::Clean);
    }
}
