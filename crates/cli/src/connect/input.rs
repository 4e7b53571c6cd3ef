//! stdin as messages: lines, records that end in NUL, or bytes as they come.

use std::io::{self, BufRead, Read};

use tidewire::Message;
use tokio::sync::mpsc;

use super::talk::Input;

/// Messages read ahead of the connection.
const AHEAD: usize = 256;

/// The longest binary message that is made of bytes as they come.
const PIECE: usize = 64 * 1024;

/// The longest message of a line, a record or a file: more is a mistake, and would eat the memory.
pub(super) const LONGEST: u64 = 1 << 30;

/// How the input is cut into messages, and of which kind they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Each line a text.
    Lines,
    /// Each record up to a NUL a text.
    Nul,
    /// Each record up to a NUL a binary message.
    BinaryNul,
    /// Bytes as they come, in binary messages.
    Bytes,
}

/// The messages of stdin, read by a thread: stdin cannot be waited for in an event loop.
pub(super) fn stdin(cut: Cut) -> mpsc::Receiver<Input> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::spawn(move || read(io::stdin().lock(), cut, LONGEST, &sender));
    receiver
}

/// No input at all.
pub(super) fn none() -> mpsc::Receiver<Input> {
    mpsc::channel(1).1
}

/// Sends what `from` holds until its end or the first bad record.
fn read(mut from: impl BufRead, cut: Cut, longest: u64, to: &mpsc::Sender<Input>) {
    for number in 1u64.. {
        let item = match record(&mut from, cut, longest, number) {
            Ok(None) => return,
            Ok(Some(message)) => Input::Send(message),
            Err(sentence) => Input::Failed(sentence),
        };
        let last = matches!(item, Input::Failed(_));
        if to.blocking_send(item).is_err() || last {
            return;
        }
    }
}

fn record(
    from: &mut impl BufRead,
    cut: Cut,
    longest: u64,
    number: u64,
) -> Result<Option<Message>, String> {
    let failed = |error: io::Error| format!("cannot read the input: {error}");
    let mut bytes = Vec::new();
    match cut {
        Cut::Bytes => {
            let mut buffer = vec![0; PIECE];
            let count = read_some(from, &mut buffer).map_err(failed)?;
            buffer.truncate(count);
            return Ok((count > 0).then(|| buffer.into()));
        }
        Cut::Lines => {
            let mut line = from.take(longest + 2);
            if line.read_until(b'\n', &mut bytes).map_err(failed)? == 0 {
                return Ok(None);
            }
            if bytes.pop_if(|byte| *byte == b'\n').is_some() {
                bytes.pop_if(|byte| *byte == b'\r');
            }
        }
        Cut::Nul | Cut::BinaryNul => {
            let mut record = from.take(longest + 1);
            if record.read_until(0, &mut bytes).map_err(failed)? == 0 {
                return Ok(None);
            }
            bytes.pop_if(|byte| *byte == 0);
        }
    }
    let what = if cut == Cut::Lines { "line" } else { "record" };
    if bytes.len() as u64 > longest {
        return Err(format!(
            "{what} {number} of the input is longer than a message can be; -b sends bytes as they come"
        ));
    }
    if cut == Cut::BinaryNul {
        return Ok(Some(bytes.into()));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text.into())),
        Err(error) => Err(format!(
            "{what} {number} of the input is not UTF-8 (its byte {}), and a text message must be; -b sends binary",
            error.utf8_error().valid_up_to() + 1
        )),
    }
}

fn read_some(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn seen(input: &[u8], cut: Cut) -> Vec<String> {
        let (sender, mut receiver) = mpsc::channel(100);
        read(input, cut, 70_000, &sender);
        let mut seen = Vec::new();
        while let Ok(item) = receiver.try_recv() {
            seen.push(match item {
                Input::Send(Message::Text(text)) => text.to_string(),
                Input::Send(Message::Binary(data)) => format!("{data:?}"),
                Input::Failed(sentence) => format!("! {sentence}"),
                other => format!("{other:?}"),
            });
        }
        seen
    }

    #[test]
    fn lines_lose_their_ends_and_nothing_else() {
        assert_eq!(
            seen(b"one\r\ntwo\n\n  three \r x\nno end", Cut::Lines),
            ["one", "two", "", "  three \r x", "no end"]
        );
        assert!(seen(b"", Cut::Lines).is_empty());
    }

    #[test]
    fn records_end_in_nul_and_may_hold_lines() {
        assert_eq!(seen(b"a\nb\r\n\0\0c", Cut::Nul), ["a\nb\r\n", "", "c"]);
        assert_eq!(seen(b"\xff\0x\0", Cut::BinaryNul), ["b\"\\xff\"", "b\"x\""]);
    }

    #[test]
    fn what_never_ends_is_no_message() {
        let endless = |byte| vec![byte; 70_003];
        for (input, cut, what) in [
            (endless(b'x'), Cut::Lines, "line 1"),
            (endless(b'\n'), Cut::Nul, "record 1"),
            (endless(b'x'), Cut::BinaryNul, "record 1"),
        ] {
            let seen = seen(&input, cut);
            assert_eq!(seen.len(), 1, "{cut:?}");
            let expected = format!("! {what} of the input is longer");
            assert!(seen[0].starts_with(&expected), "{}", seen[0]);
        }
        let whole = [vec![b'x'; 70_000], b"\r\n".to_vec()].concat();
        assert_eq!(seen(&whole, Cut::Lines)[0].len(), 70_000);
    }

    #[test]
    fn bytes_are_not_cut_at_anything() {
        assert_eq!(seen(b"a\n\0\xff", Cut::Bytes), ["b\"a\\n\\0\\xff\""]);
        assert_eq!(seen(&[7; PIECE + 1], Cut::Bytes).len(), 2);
    }

    #[test]
    fn input_that_is_no_text_is_told_with_its_line() {
        let seen = seen(b"ok\na\xff\xfe\nmore\n", Cut::Lines);
        assert_eq!(seen.len(), 2);
        assert!(
            seen[1].starts_with("! line 2 of the input is not UTF-8 (its byte 2)"),
            "{}",
            seen[1]
        );
    }
}
