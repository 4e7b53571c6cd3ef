//! The input of an interactive server in a pipe: one line, one message.

use std::io::{self, BufRead, Read};

use tokio::sync::mpsc;

/// Lines read ahead.
const AHEAD: usize = 64;
/// The longest line, in bytes.
const LONGEST: u64 = 16 << 20;

/// A line without its end, or the sentence that says why there are no more.
pub(super) type Line = Result<String, String>;

/// The lines of stdin, read by a thread: stdin cannot be waited for in an event loop.
pub(super) fn stdin() -> mpsc::Receiver<Line> {
    let (sender, lines) = mpsc::channel(AHEAD);
    std::thread::spawn(move || read(io::stdin().lock(), &sender));
    lines
}

fn read(mut from: impl BufRead, to: &mpsc::Sender<Line>) {
    for number in 1u64.. {
        let mut line = Vec::new();
        let taken = (&mut from).take(LONGEST + 2).read_until(b'\n', &mut line);
        let item = match taken {
            Ok(0) => return,
            Ok(_) => text(line, number),
            Err(error) => Err(format!("cannot read the input: {error}")),
        };
        let last = item.is_err();
        if to.blocking_send(item).is_err() || last {
            return;
        }
    }
}

fn text(mut line: Vec<u8>, number: u64) -> Line {
    if line.pop_if(|byte| *byte == b'\n').is_some() {
        _ = line.pop_if(|byte| *byte == b'\r');
    }
    if line.len() as u64 > LONGEST {
        return Err(format!(
            "line {number} of the input is longer than 16 MiB, the most that a message holds"
        ));
    }
    String::from_utf8(line)
        .map_err(|_| format!("line {number} of the input is not UTF-8, and a text message must be"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: impl BufRead) -> Vec<Line> {
        let (sender, mut lines) = mpsc::channel(AHEAD);
        read(input, &sender);
        std::iter::from_fn(|| lines.try_recv().ok()).collect()
    }

    #[test]
    fn lines_lose_their_ends_and_nothing_else() {
        let ok = |text: &str| Ok(text.to_owned());
        let read = lines(&b"one\r\ntwo\n\n  three \r x\nno end"[..]);
        let wanted = [
            ok("one"),
            ok("two"),
            ok(""),
            ok("  three \r x"),
            ok("no end"),
        ];
        assert_eq!(read, wanted);
        assert!(lines(&b""[..]).is_empty());
    }

    #[test]
    fn a_line_that_never_ends_and_one_that_is_no_text_are_told_by_number() {
        let endless = io::BufReader::new(io::repeat(b'x'));
        let told = lines(io::BufReader::new((&b"a\n"[..]).chain(endless)));
        assert_eq!(told.len(), 2);
        assert!(
            told[1]
                .as_ref()
                .is_err_and(|why| why.contains("line 2") && why.contains("16 MiB"))
        );
        let told = lines(&b"\xff\n"[..]);
        assert!(told[0].as_ref().is_err_and(|why| why.contains("not UTF-8")));
    }
}
