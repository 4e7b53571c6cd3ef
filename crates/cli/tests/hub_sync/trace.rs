//! Reads what strace wrote, and judges whether anything was told before it was on disk.

use std::collections::{BTreeMap, BTreeSet};

/// A call as the trace has it: its beginning, and its end if it has one.
#[derive(Debug)]
struct Call {
    name: String,
    args: String,
    /// The line in which it began, and that in which it had returned.
    begin: usize,
    end: Option<usize>,
    failed: bool,
}

/// What a trace shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Acknowledgements that left after what they acknowledge was on disk.
    pub(crate) acknowledged: usize,
    /// Deliveries that left after what they deliver was on disk.
    pub(crate) delivered: usize,
    /// Syncs of a file in the data folder.
    pub(crate) syncs: usize,
    /// What was told too early, or cannot be judged.
    pub(crate) wrong: Vec<String>,
}

/// Judges a trace. Publications are marked `mark-N.` in their payload and have the command id N;
/// `data` is the folder whose files count as disk.
pub(crate) fn judge(trace: &str, data: &str) -> Verdict {
    let mut verdict = Verdict::default();
    let calls = match calls(trace) {
        Ok(calls) => calls,
        Err(reason) => {
            verdict.wrong.push(reason);
            return verdict;
        }
    };
    let written = marks_in_files(&calls, data);
    // A sync counts for what was written before it began, from the line in which it returned.
    let syncs: Vec<_> = calls
        .iter()
        .filter(|call| matches!(&*call.name, "fdatasync" | "fsync") && !call.failed)
        .filter_map(|call| Some((file(&call.args, data)?, call.begin, call.end?)))
        .collect();
    verdict.syncs = syncs.len();
    let on_disk = |mark: u64| {
        let writes = written.get(&mark)?;
        let synced = |(path, at): &(String, usize)| {
            let mut of_it = syncs.iter().filter(|sync| sync.0 == *path && sync.1 > *at);
            of_it.next().map(|sync| sync.2)
        };
        writes.iter().filter_map(synced).min()
    };
    for call in calls.iter().filter(|call| speaks(call)) {
        let text = unescape(&call.args);
        if call.args.contains("\"...") {
            let reason = format!("line {}: strace cut it short (raise -s)", call.begin);
            verdict.wrong.push(reason);
        }
        let acknowledged = numbers(&text, "{\"op\":\"ok\",\"id\":");
        let delivered = numbers(&text, "mark-");
        for (marks, what) in [(acknowledged, "acknowledged"), (delivered, "delivered")] {
            for mark in marks {
                match on_disk(mark) {
                    Some(at) if at < call.begin => match what {
                        "acknowledged" => verdict.acknowledged += 1,
                        _ => verdict.delivered += 1,
                    },
                    Some(at) => verdict.wrong.push(format!(
                        "line {}: mark-{mark} is {what}, and on disk from line {at} on",
                        call.begin
                    )),
                    None => verdict.wrong.push(format!(
                        "line {}: mark-{mark} is {what}, and never on disk",
                        call.begin
                    )),
                }
            }
        }
    }
    verdict
}

/// Calls in the order of their beginning. A call of one thread that others interrupt has two lines.
fn calls(trace: &str) -> Result<Vec<Call>, String> {
    let mut calls: Vec<Call> = Vec::new();
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, line) in trace.lines().enumerate() {
        let number = number + 1;
        let unknown = || format!("line {number} is no call: {line}");
        let (pid, rest) = line.split_once(char::is_whitespace).ok_or_else(unknown)?;
        let rest = rest.trim_start();
        if rest.starts_with("+++ ") || rest.starts_with("--- ") {
            continue;
        }
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let (name, rest) = resumed.split_once(" resumed>").ok_or_else(unknown)?;
            let at = open.remove(pid).ok_or_else(unknown)?;
            let call = calls.get_mut(at).ok_or_else(unknown)?;
            if call.name != name {
                return Err(unknown());
            }
            call.failed = failed(rest).ok_or_else(unknown)?;
            call.end = Some(number);
            continue;
        }
        let (name, args) = rest.split_once('(').ok_or_else(unknown)?;
        let mut call = Call {
            name: name.to_owned(),
            args: args.to_owned(),
            begin: number,
            end: None,
            failed: false,
        };
        if let Some(args) = args.strip_suffix(" <unfinished ...>") {
            call.args = args.to_owned();
            if open.insert(pid, calls.len()).is_some() {
                return Err(unknown());
            }
        } else {
            call.failed = failed(args).ok_or_else(unknown)?;
            call.end = Some(number);
        }
        calls.push(call);
    }
    Ok(calls)
}

/// Whether a call failed, from its result: `) = 0`, `) = -1 EIO (…)`. `None`: there is no result.
fn failed(rest: &str) -> Option<bool> {
    let (_, result) = rest.rsplit_once(" = ")?;
    // The process ended in the call.
    let result = result.trim();
    Some(result.starts_with('-') || result.starts_with('?'))
}

/// The file in the data folder that is the first argument: `7</data/hub.db-wal>, …`.
fn file(args: &str, data: &str) -> Option<String> {
    let (_, rest) = args.split_once('<')?;
    let (path, _) = rest.split_once('>')?;
    path.starts_with(data).then(|| path.to_owned())
}

/// Whether the call says something to a socket.
fn speaks(call: &Call) -> bool {
    let moves = ["write", "writev", "sendto", "sendmsg", "sendmmsg"];
    let descriptor = call.args.split(',').next().unwrap_or_default();
    moves.contains(&&*call.name)
        && ["<socket:", "<TCP:", "<TCPv6:"]
            .iter()
            .any(|kind| descriptor.contains(kind))
}

/// Which marks were written to which files, and when each of them for the first time in each file.
fn marks_in_files(calls: &[Call], data: &str) -> BTreeMap<u64, Vec<(String, usize)>> {
    let mut written: BTreeMap<u64, Vec<(String, usize)>> = BTreeMap::new();
    for call in calls {
        let writes = ["pwrite64", "pwritev", "pwritev2", "write", "writev"];
        let (true, false, Some(end)) = (writes.contains(&&*call.name), call.failed, call.end)
        else {
            continue;
        };
        let Some(path) = file(&call.args, data) else {
            continue;
        };
        for mark in numbers(&unescape(&call.args), "mark-") {
            let files = written.entry(mark).or_default();
            if files.iter().all(|(known, _)| *known != path) {
                files.push((path.clone(), end));
            }
        }
    }
    written
}

/// Undoes what strace does to quotes; other bytes stay escaped.
fn unescape(text: &str) -> String {
    text.replace("\\\"", "\"")
}

/// The numbers after each `prefix`.
fn numbers(text: &str, prefix: &str) -> BTreeSet<u64> {
    let rests = text.split(prefix).skip(1);
    let digits = rests.map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit());
        &rest[..end.unwrap_or(rest.len())]
    });
    digits.filter_map(|digits| digits.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &str = "/tmp/t/data";
    const WRITE: &str =
        r#"12 pwrite64(7</tmp/t/data/hub.db-wal>, "\r\0mark-5.xx", 4096, 56) = 4096"#;
    const SYNC: &str = "12 fdatasync(7</tmp/t/data/hub.db-wal>) = 0";
    const ACK: &str = r#"13 sendto(9<socket:[77]>, "\201\30{\"op\":\"ok\",\"id\":5,\"pos\":\"g-5\"}", 60, MSG_NOSIGNAL, NULL, 0) = 60"#;
    const DELIVERY: &str = r#"13 writev(11<TCP:[127.0.0.1:1->127.0.0.1:2]>, [{iov_base="\201\1", iov_len=2}, {iov_base="{\"op\":\"message\",\"text\":\"mark-5.\"}", iov_len=40}], 2) = 42"#;

    fn verdict(lines: &[&str]) -> Verdict {
        judge(&lines.join("\n"), DATA)
    }

    #[test]
    fn what_is_told_after_the_sync_is_in_order() {
        let verdict = verdict(&[WRITE, SYNC, ACK, DELIVERY, "13 +++ killed by SIGKILL +++"]);
        assert_eq!(verdict.wrong, [""; 0]);
        assert_eq!(
            (verdict.acknowledged, verdict.delivered, verdict.syncs),
            (1, 1, 1)
        );
    }

    #[test]
    fn a_call_in_two_lines_counts_from_its_beginning_or_its_end() {
        let (begin, end) = (
            "12 fdatasync(7</tmp/t/data/hub.db-wal> <unfinished ...>",
            "12 <... fdatasync resumed>) = 0",
        );
        assert_eq!(verdict(&[WRITE, begin, end, ACK]).wrong.len(), 0);
        // The sync had begun, and had not returned.
        assert_eq!(verdict(&[WRITE, begin, ACK, end]).wrong.len(), 1);
        // The answer was on its way before the sync returned, whenever its own call did.
        let half = &ACK
            .replace(" = 60", "")
            .replace("NULL, 0)", "NULL, 0 <unfinished ...>");
        let rest = "13 <... sendto resumed>) = 60";
        assert_eq!(verdict(&[WRITE, begin, half, end, rest]).wrong.len(), 1);
    }

    #[test]
    fn whatever_is_told_too_early_is_found() {
        let elsewhere = SYNC.replace("hub.db-wal", "hub.db");
        let outside = SYNC.replace("/tmp/t/data", "/tmp/other");
        let broken = SYNC.replace("= 0", "= -1 EIO (Input/output error)");
        let other = WRITE.replace("mark-5", "mark-6");
        let unwritten = WRITE.replace("= 4096", "= -1 ENOSPC (No space left on device)");
        for trace in [
            &[WRITE, ACK, SYNC][..],
            &[WRITE, DELIVERY, SYNC],
            &[SYNC, WRITE, ACK],
            &[WRITE, &elsewhere, ACK],
            &[WRITE, &outside, ACK],
            &[WRITE, &broken, ACK],
            &[&other, SYNC, ACK],
            &[&unwritten, SYNC, ACK],
            &[SYNC, ACK],
            &[WRITE, ACK],
            &[ACK],
        ] {
            let verdict = verdict(trace);
            assert_eq!(verdict.wrong.len(), 1, "{trace:#?}: {verdict:#?}");
            assert_eq!(verdict.acknowledged + verdict.delivered, 0);
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_proof() {
        for line in [
            "nonsense",
            "12 <... fdatasync resumed>) = 0",
            "12 fdatasync(7</tmp/t/data/hub.db-wal>",
            &ACK.replace("60, MSG", "\"..., 60, MSG"),
        ] {
            assert!(!verdict(&[WRITE, SYNC, line]).wrong.is_empty(), "{line}");
        }
    }
}
