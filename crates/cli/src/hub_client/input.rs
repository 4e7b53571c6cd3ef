//! The messages of `pub` and `send`: from the command line or stdin, checked, as fields of a command.

use std::io::{self, BufRead, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::args::FormArgs;

/// Messages read ahead of the hub.
const AHEAD: usize = 64;

/// No message is longer: the largest `max_message` of a hub is below.
const LONGEST: usize = 64 * 1024 * 1024;

/// A message to publish, as a field of the command: `"text":"hi"`.
pub(super) type Field = String;

/// What comes of the input; Err: it cannot be read on, and why.
pub(super) type Item = Result<Field, String>;

/// A message as the field that has it; Err: what is wrong with it.
pub(super) fn field(message: Vec<u8>, form: FormArgs) -> Result<Field, String> {
    if form.binary {
        return Ok(format!("\"base64\":\"{}\"", STANDARD.encode(message)));
    }
    let text = String::from_utf8(message).map_err(|_| "is not UTF-8; -b sends bytes".to_owned())?;
    if !form.json {
        return Ok(format!("\"text\":{}", json!(text)));
    }
    let value: &RawValue =
        serde_json::from_str(&text).map_err(|wrong| format!("is not JSON: {wrong}"))?;
    Ok(format!("\"data\":{}", value.get()))
}

/// The message on the command line; `-`, and nothing at all, is the whole of stdin. That is read by a
/// thread: Ctrl-C, and a hub that asks whether we are there, are heard meanwhile.
pub(super) fn one(typed: Option<&str>, form: FormArgs) -> mpsc::Receiver<Item> {
    let (sender, receiver) = mpsc::channel(1);
    match typed.filter(|typed| *typed != "-") {
        Some(typed) => {
            let field = field(typed.as_bytes().to_vec(), form);
            _ = sender.try_send(field.map_err(|wrong| format!("the message {wrong}")));
        }
        None => {
            std::thread::spawn(move || sender.blocking_send(whole(form)));
        }
    }
    receiver
}

/// The whole of stdin as one message.
fn whole(form: FormArgs) -> Item {
    let mut all = Vec::new();
    let most = LONGEST as u64 + 1;
    let read = io::stdin().lock().take(most).read_to_end(&mut all);
    read.map_err(|failed| format!("cannot read the input: {failed}"))?;
    if all.len() > LONGEST {
        return Err(too_long("the input"));
    }
    field(all, form).map_err(|wrong| format!("the input {wrong}"))
}

/// The messages on stdin, read by a thread: stdin cannot be waited for in an event loop.
pub(super) fn records(form: FormArgs, null: bool) -> mpsc::Receiver<Item> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::spawn(move || read(io::stdin().lock(), form, null, &sender));
    receiver
}

/// Sends each record of `from`, without its end, to the last or the first that is wrong.
fn read(mut from: impl BufRead, form: FormArgs, null: bool, to: &mpsc::Sender<Item>) {
    for number in 1u64.. {
        let item = match record(&mut from, null) {
            Ok(None) => return,
            Ok(Some(record)) if record.len() > LONGEST => {
                Err(too_long(&format!("{} {number} of the input", unit(null))))
            }
            Ok(Some(record)) => field(record, form)
                .map_err(|wrong| format!("{} {number} of the input {wrong}", unit(null))),
            Err(failed) => Err(format!("cannot read the input: {failed}")),
        };
        let is_last = item.is_err();
        if to.blocking_send(item).is_err() || is_last {
            return;
        }
    }
}

fn unit(null: bool) -> &'static str {
    if null { "record" } else { "line" }
}

fn too_long(what: &str) -> String {
    format!("{what} is longer than {} MiB", LONGEST >> 20)
}

fn record(from: &mut impl BufRead, null: bool) -> io::Result<Option<Vec<u8>>> {
    let end = if null { 0 } else { b'\n' };
    let mut record = Vec::new();
    // One more than may be, and its end.
    let most = LONGEST as u64 + 2;
    if from.by_ref().take(most).read_until(end, &mut record)? == 0 {
        return Ok(None);
    }
    if record.last() == Some(&end) {
        record.pop();
        if !null && record.last() == Some(&b'\r') {
            record.pop();
        }
    }
    Ok(Some(record))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TEXT: FormArgs = FormArgs {
        json: false,
        binary: false,
    };
    const JSON: FormArgs = FormArgs {
        json: true,
        binary: false,
    };
    const BINARY: FormArgs = FormArgs {
        json: false,
        binary: true,
    };

    fn all(input: &[u8], form: FormArgs, null: bool) -> Vec<Item> {
        let (sender, mut receiver) = mpsc::channel(100);
        read(input, form, null, &sender);
        std::iter::from_fn(|| receiver.try_recv().ok()).collect()
    }

    #[test]
    fn each_line_is_a_message() {
        let read = all(b"one\r\n\"two\"\n\nno end", TEXT, false);
        let fields = [
            r#""text":"one""#,
            r#""text":"\"two\"""#,
            r#""text":"""#,
            r#""text":"no end""#,
        ];
        assert_eq!(read, fields.map(|field| Ok(field.to_owned())));
        let read = all(b"a\nb\r\n\0c", TEXT, true);
        assert_eq!(read[0], Ok(r#""text":"a\nb\r\n""#.to_owned()));
        assert_eq!(read.len(), 2);
        assert!(all(b"", TEXT, false).is_empty());
    }

    #[test]
    fn json_stays_as_exact_as_it_is_written_and_bytes_are_bytes() {
        assert_eq!(
            all(b" {\"a\": 1.0e5} \n", JSON, false),
            [Ok(r#""data":{"a": 1.0e5}"#.into())]
        );
        assert_eq!(
            all(b"\x00\xff\n", BINARY, false),
            [Ok(r#""base64":"AP8=""#.into())]
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_ends_the_input() {
        for (input, form, why) in [
            (
                &b"ok\n\xff\nmore\n"[..],
                TEXT,
                "line 2 of the input is not UTF-8",
            ),
            (b"1\n{\n2\n", JSON, "line 2 of the input is not JSON"),
            (
                b"1\n1} , \"op\":\"x\n2\n",
                JSON,
                "line 2 of the input is not JSON",
            ),
        ] {
            let read = all(input, form, false);
            assert_eq!(read.len(), 2);
            assert!(read[1].as_ref().unwrap_err().contains(why), "{read:?}");
        }
    }

    #[test]
    fn a_line_without_an_end_is_bounded() {
        let read = all(&vec![b'x'; LONGEST + 100], TEXT, false);
        assert_eq!(read.len(), 1);
        assert!(read[0].as_ref().unwrap_err().contains("longer than"));
    }
}
