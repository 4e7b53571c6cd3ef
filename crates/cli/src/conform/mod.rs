//! `tidewire conform`: holds a server that echoes to the rules of the protocol.
//!
//! - [`case`]: what a case is; [`cases`]: all of them
//! - [`stage`]: the server, as each case finds it; [`play`]: runs a case over it
//! - [`show`]: the table and the JSON

mod case;
mod cases;
mod play;
mod show;
mod stage;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::rc::Rc;
use std::time::Duration;

use tidewire::ConnectError;
use tokio::task::JoinSet;

use self::case::{Act, Case, Outcome, Verdict};
use self::show::Ran;
use self::stage::Stage;
use crate::addr;
use crate::args::ConformArgs;
use crate::dial::{self, Dial};
use crate::exit::{self, Exit};
use crate::raw::{self, Ask, Site};

/// The longest that a case may take, as many times as the server may take for each thing.
const LONGEST: u32 = 12;

pub(crate) fn run(args: &ConformArgs) -> Exit {
    let cases = match chosen(&args.only) {
        Ok(cases) => cases,
        Err(sentence) => return exit::error(Exit::Usage, &sentence),
    };
    let Some(url) = args.url.as_deref().filter(|_| !args.list) else {
        return show::list(&cases, args.json);
    };
    let dial = match Dial::prepare(url, &args.dial) {
        Ok(dial) => dial,
        Err(exit) => return exit,
    };
    let exit = raw::block_on(conform(dial, cases, args));
    if exit == Exit::Interrupted {
        progress("");
    }
    exit
}

/// The cases that the patterns choose; all of them without a pattern.
fn chosen(patterns: &[String]) -> Result<Vec<Case>, String> {
    let mut cases = cases::all();
    for pattern in patterns {
        if !cases.iter().any(|case| case::matches(pattern, &case.name)) {
            return Err(format!(
                "--only {pattern:?} is no section and no case: see tidewire conform --list"
            ));
        }
    }
    cases.retain(|case| {
        let mut patterns = patterns.iter();
        patterns.len() == 0 || patterns.any(|pattern| case::matches(pattern, &case.name))
    });
    Ok(cases)
}

async fn conform(dial: Dial, cases: Vec<Case>, args: &ConformArgs) -> Exit {
    let url = addr::without_user(dial.url());
    let (outcome, heads) = raw::connect(dial.client().redirects(0)).await;
    // A handshake that a client refuses may still be one that the cases can judge.
    let refused = match outcome {
        Ok(_) => None,
        Err(error @ ConnectError::Handshake(_)) => Some(error),
        Err(error) => return dial::explain(&url, error),
    };
    let Some(ask) = heads.request.as_deref().and_then(Ask::read) else {
        return exit::error(Exit::Local, "the request cannot be read");
    };
    let stage = match (Stage::of(Site::new(dial, ask), args.timeout).await, refused) {
        (Ok(stage), _) => stage,
        (Err(_), Some(error)) => return dial::explain(&url, error),
        (Err(why), None) => {
            let exit = exit::error(Exit::Local, &why);
            exit::say(
                "hint: conform needs a server that sends every message back, as tidewire echo does",
            );
            return exit;
        }
    };
    let began = tokio::time::Instant::now();
    let total = cases.len();
    let ran = run_all(stage, cases, usize::from(args.jobs)).await;
    show::report(&url, &ran, began.elapsed(), args);
    let verdicts: Vec<_> = ran.iter().map(|ran| ran.outcome.verdict).collect();
    exit_of(&verdicts, total, args.strict)
}

/// What so many cases come to; one that is missing has panicked, and proves nothing.
fn exit_of(verdicts: &[Verdict], total: usize, strict: bool) -> Exit {
    let bad = |verdict: &Verdict| match verdict {
        Verdict::Fail => true,
        Verdict::NonStrict => strict,
        Verdict::Pass | Verdict::Skipped => false,
    };
    if verdicts.len() < total || verdicts.iter().any(bad) {
        Exit::Local
    } else {
        Exit::Clean
    }
}

/// Runs the cases, so many at once, and gives them back in their order.
async fn run_all(stage: Stage, cases: Vec<Case>, jobs: usize) -> Vec<Ran> {
    let stage = Rc::new(stage);
    let total = cases.len();
    let mut done = BTreeMap::new();
    let mut waiting = cases.into_iter().enumerate();
    let mut running = JoinSet::new();
    loop {
        while running.len() < jobs
            && let Some((number, case)) = waiting.next()
        {
            let stage = stage.clone();
            running.spawn_local(async move { (number, one(&stage, case).await) });
        }
        match running.join_next().await {
            Some(Ok((number, ran))) => {
                progress(&format!("{}/{total} {}", done.len() + 1, ran.case.name));
                done.insert(number, ran);
            }
            Some(Err(_)) => {} // one that panicked has said so
            None => break,
        }
    }
    progress("");
    done.into_values().collect()
}

async fn one(stage: &Stage, case: Case) -> Ran {
    let began = tokio::time::Instant::now();
    let longest = stage.time * LONGEST + Duration::from_secs(1);
    let play = async {
        match &case.act {
            Act::Talk(talk) => play::talk(stage, talk).await,
            Act::Handshake(handshake) => stage.handshake(handshake).await,
        }
    };
    let outcome = tokio::time::timeout(longest, play).await;
    Ran {
        outcome: outcome.unwrap_or_else(|_| Outcome::fail("the case took too long")),
        time: began.elapsed(),
        case,
    }
}

/// Replaces the line that the last call left on the terminal.
fn progress(words: &str) {
    let mut stderr = std::io::stderr().lock();
    if stderr.is_terminal() {
        _ = write!(stderr, "\r{words}\x1b[K").and_then(|()| stderr.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_cases_have_to_be_judged_for_a_server_to_be_well() {
        use Verdict::{Fail, NonStrict, Pass, Skipped};
        assert_eq!(exit_of(&[Pass, Skipped, NonStrict], 3, false), Exit::Clean);
        for (verdicts, strict) in [
            (&[Pass, Pass, NonStrict][..], true),
            (&[Pass, Fail, Pass], false),
            (&[Pass, Pass], false),
        ] {
            assert_eq!(exit_of(verdicts, 3, strict), Exit::Local, "{verdicts:?}");
        }
    }
}
