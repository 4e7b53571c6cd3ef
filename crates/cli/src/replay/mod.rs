//! `tidewire replay`: sends again what a recording sent, and compares what comes back.
//!
//! - [`plan`]: what to send and when, and what to expect
//! - [`converse`]: does it
//! - [`compare`]: finds the differences, but for what [`ignore`] passes over
//! - [`show`]: prints them

mod compare;
mod converse;
mod ignore;
mod plan;
mod show;

use tidewire::wire::Seen;
use tokio::runtime::{Builder, LocalOptions};

use crate::args::{ReplayArgs, Wait};
use crate::dial::{self, Dial};
use crate::exit::{self, Exit};
use crate::record::{self, Dir, Session, What};
use crate::term;

pub(crate) use self::ignore::Ignore;
pub(crate) use self::plan::Speed;

use self::converse::Conversation;
use self::plan::Plan;

/// Replays a connection of a recording.
pub(crate) fn run(args: &ReplayArgs) -> Exit {
    let sessions = match record::load(&args.file) {
        Ok(sessions) => sessions,
        Err(sentence) => return exit::error(Exit::Local, &term::line(&sentence, 1000)),
    };
    let session = match choose(&sessions, args) {
        Ok(session) => session,
        Err(exit) => return exit,
    };
    let plan = Plan::of(session);
    let mut flags = args.dial.clone();
    if flags.subprotocol.is_empty() {
        flags.subprotocol = plan::subprotocols(session);
    }
    let dial = match Dial::prepare(&args.url, &flags) {
        Ok(dial) => dial,
        Err(exit) => return exit,
    };
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default());
    match runtime {
        Ok(runtime) => runtime.block_on(replay(&dial, &plan, args)),
        Err(error) => exit::error(Exit::Local, &format!("no event loop: {error}")),
    }
}

async fn replay(dial: &Dial, plan: &Plan, args: &ReplayArgs) -> Exit {
    let ws = tokio::select! {
        result = dial.connect(None::<fn(Seen<'_>)>) => result,
        _ = tokio::signal::ctrl_c() => return Exit::Interrupted,
    };
    let ws = match ws {
        Ok(ws) => ws,
        Err(error) => return dial::explain(dial.url(), error),
    };
    exit::say("Connected (press CTRL+C to quit)");
    if let Some(name) = ws.subprotocol() {
        exit::say(&format!("subprotocol: {}", term::line(&name, 100)));
    }
    let wait = match args.wait {
        Wait::ForEver => None,
        Wait::For(time) => Some(time),
    };
    let conversation = Conversation {
        speed: args.speed,
        wait,
        show: !args.diff,
    };
    let outcome = conversation.run(ws, plan).await;
    let of = plan.steps.len();
    exit::say(&format!(
        "sent {} of {of}, received {} (recorded: {})",
        outcome.sent,
        outcome.count,
        plan.expected.len()
    ));
    if let Some(line) = &outcome.line {
        exit::say(line);
    }
    match outcome.exit {
        Exit::Interrupted | Exit::Local => return outcome.exit,
        _ if args.diff => {}
        Exit::Clean if outcome.sent < of => {
            let sentence = format!(
                "the connection was closed when {} of {of} messages were sent",
                outcome.sent
            );
            return exit::error(Exit::Local, &sentence);
        }
        exit => return exit,
    }
    let ends = compare::ends(plan.end.as_ref(), &outcome.closed);
    let differences = compare::messages(&plan.expected, &outcome.received, &args.ignore);
    match show::print(&differences, ends.as_ref(), plan.expected.len()) {
        0 => Exit::Clean,
        _ => Exit::Local,
    }
}

/// The connection to replay; if it is not clear which, all are listed.
fn choose<'a>(sessions: &'a [Session], args: &ReplayArgs) -> Result<&'a Session, Exit> {
    let sentence = match (args.entry, sessions) {
        (None, [only]) => return Ok(only),
        (None, _) => format!(
            "the recording holds {} connections: choose one with --entry N",
            sessions.len()
        ),
        (Some(number), _) => match number.checked_sub(1).and_then(|at| sessions.get(at)) {
            Some(session) => return Ok(session),
            None => format!("--entry {number}: the recording holds {}", sessions.len()),
        },
    };
    let exit = exit::error(Exit::Usage, &sentence);
    for (index, session) in sessions.iter().enumerate() {
        exit::say(&format!("  {}", described(index + 1, session)));
    }
    Err(exit)
}

fn described(number: usize, session: &Session) -> String {
    let began = session.records.first();
    let url = match session.url.as_str() {
        "" => "(unknown URL)".to_owned(),
        url => term::line(url, 200),
    };
    let opened = session
        .records
        .iter()
        .any(|record| matches!(record.what, What::Open(_)));
    format!(
        "{number}  {}  {url}  sent {}, received {}{}",
        began.map_or_else(String::new, |record| record::iso(record.at)),
        session.messages(Dir::Out),
        session.messages(Dir::In),
        if opened {
            ""
        } else {
            " (its beginning is missing)"
        },
    )
}
