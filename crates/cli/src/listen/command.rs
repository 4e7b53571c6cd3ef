//! What is typed at an interactive server: text for all, or a command.

use tidewire::CloseCode;

/// What `/help` says.
pub(super) const HELP: &str = "\
TEXT                      to everybody; //TEXT sends /TEXT
/to N TEXT                to client N
/bin N|all HEX            these bytes, as in /bin all 00 01 ff
/ping N|all [TEXT]        a Ping; the Pong is shown with its time
/close N|all [CODE [REASON]]    close with 1000, or as told
/list                     who is there
/help                     this
/quit                     close all with 1001 and end, as Ctrl-C and Ctrl-D do";

/// The longest payload of a Ping, and reason of a Close with its code (RFC 6455 §5.5), in bytes.
const CONTROL: usize = 125;

/// Whom a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    All,
    One(u64),
}

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Text(Who, String),
    Binary(Who, Vec<u8>),
    Ping(Who, String),
    Close(Who, CloseCode, String),
    List,
    Help,
    Quit,
}

/// Makes sense of an entry.
///
/// # Errors
/// A sentence that says how the command is written.
pub(super) fn parse(typed: &str) -> Result<Command, String> {
    let Some(rest) = typed.strip_prefix('/') else {
        return Ok(Command::Text(Who::All, typed.to_owned()));
    };
    if rest.starts_with('/') {
        return Ok(Command::Text(Who::All, rest.to_owned()));
    }
    let (name, rest) = word(rest);
    match name {
        "to" => {
            let usage = "write /to N TEXT";
            let (number, text) = word(rest);
            match who(number, usage)? {
                Who::All => Err(format!("{usage}; what goes to all needs no command")),
                one => Ok(Command::Text(one, text.to_owned())),
            }
        }
        "bin" => {
            let usage = "write /bin N HEX or /bin all HEX";
            let (number, digits) = word(rest);
            Ok(Command::Binary(who(number, usage)?, hex(digits)?))
        }
        "ping" => {
            let (number, text) = word(rest);
            let who = who(number, "write /ping N TEXT or /ping all TEXT")?;
            fits(text, CONTROL, "a Ping")?;
            Ok(Command::Ping(who, text.to_owned()))
        }
        "close" => close(rest),
        "list" => Ok(Command::List),
        "help" | "?" => Ok(Command::Help),
        "quit" | "exit" => Ok(Command::Quit),
        name => Err(format!(
            "there is no command /{name}: /help tells which there are, //{name} sends /{name}"
        )),
    }
}

fn close(rest: &str) -> Result<Command, String> {
    let (number, rest) = word(rest);
    let who = who(number, "write /close N CODE REASON, or /close all")?;
    let (code, reason) = word(rest);
    let code = match code {
        "" => CloseCode::NORMAL,
        code => code
            .parse()
            .map(CloseCode)
            .ok()
            .filter(|code| code.may_be_sent())
            .ok_or_else(|| {
                format!("{code:?} cannot be sent as a close code: take 1000 or one of 3000 to 4999")
            })?,
    };
    fits(reason, CONTROL - 2, "the reason of a Close")?;
    Ok(Command::Close(who, code, reason.to_owned()))
}

fn fits(text: &str, most: usize, what: &str) -> Result<(), String> {
    match text.len() {
        len if len > most => Err(format!(
            "{what} has at most {most} bytes, and this has {len}"
        )),
        _ => Ok(()),
    }
}

fn who(text: &str, usage: &str) -> Result<Who, String> {
    if text == "all" {
        return Ok(Who::All);
    }
    let number = text.strip_prefix('#').unwrap_or(text).parse();
    number
        .map(Who::One)
        .map_err(|_| format!("{text:?} is no number of a client: {usage}"))
}

/// The first word, and what comes after the one space behind it.
fn word(text: &str) -> (&str, &str) {
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

fn hex(text: &str) -> Result<Vec<u8>, String> {
    let wrong = || format!("{text:?} is no hexadecimal: write pairs of digits, as in 00 01 ff");
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.ok_or_else(wrong)?;
    if digits.len() % 2 == 1 {
        return Err(wrong());
    }
    Ok(digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_line_is_for_all_and_a_command_is_what_it_says() {
        let text = |who, text: &str| Command::Text(who, text.to_owned());
        for (typed, expected) in [
            ("hi /to 1", text(Who::All, "hi /to 1")),
            ("", text(Who::All, "")),
            ("//x y", text(Who::All, "/x y")),
            ("/to 12  two  spaces", text(Who::One(12), " two  spaces")),
            ("/to #3 a\nb", text(Who::One(3), "a\nb")),
            ("/bin 1 00 fF", Command::Binary(Who::One(1), vec![0, 255])),
            ("/bin all", Command::Binary(Who::All, Vec::new())),
            ("/ping 2 a b", Command::Ping(Who::One(2), "a b".to_owned())),
            (
                "/close 1",
                Command::Close(Who::One(1), CloseCode::NORMAL, String::new()),
            ),
            (
                "/close all 4000 good bye",
                Command::Close(Who::All, CloseCode(4000), "good bye".to_owned()),
            ),
            ("/list", Command::List),
            ("/help", Command::Help),
            ("/quit", Command::Quit),
        ] {
            assert_eq!(parse(typed), Ok(expected), "{typed:?}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_told_and_nothing_is_sent() {
        let long = "x".repeat(200);
        for typed in [
            "/".to_owned(),
            "/nonsense".to_owned(),
            "/to".to_owned(),
            "/to me hi".to_owned(),
            "/to all hi".to_owned(),
            "/to 99999999999999999999999 hi".to_owned(),
            "/bin 1 0".to_owned(),
            "/bin 1 xy".to_owned(),
            "/bin 1 ä".to_owned(),
            "/close".to_owned(),
            "/close abc".to_owned(),
            "/close 1 abc".to_owned(),
            "/close 1 1006".to_owned(),
            "/close 1 70000".to_owned(),
            format!("/close 1 4000 {long}"),
            format!("/ping 1 {long}"),
        ] {
            assert!(parse(&typed).is_err(), "{typed:?}");
        }
    }
}
