//! The client on a terminal: what arrives is shown above the line being typed.
//!
//! - [`command`]: what a typed line asks for
//! - [`hands`]: does it
//! - [`desk`]: shows events, and what is shared between both
//! - [`view`]: how a message looks
//! - [`journal`]: the last messages, and counts

mod command;
mod desk;
mod hands;
mod journal;
mod view;

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_local};

use self::desk::Desk;
use self::hands::{Hands, Manner};
use self::view::View;
use super::link::Link;
use super::plan::Plan;
use super::session;
use super::talk::{Event, Output};
use crate::args::TerminalArgs;
use crate::exit::{Exit, error};
use crate::term::history;
use crate::term::prompt::{Habits, Prompt};
use crate::{signals, term};

/// How often it is looked whether the user has left.
const LOOK: Duration = Duration::from_millis(100);

/// Talks until the user leaves (Ctrl-C, Ctrl-D, `/quit`) or the server closes.
pub(super) async fn run(link: Link, plan: Plan, url: &str, args: &TerminalArgs) -> Exit {
    let habits = Habits {
        history: (!args.no_history).then(|| history::file(url)).flatten(),
        commands: match args.no_slash {
            true => &[],
            false => command::NAMES,
        },
    };
    let (prompt, typed) = match Prompt::open_with(habits) {
        Ok(both) => both,
        Err(sentence) => return error(Exit::Local, &sentence),
    };
    let view = View {
        colour: term::colour_wanted(&io::stdout()),
        time: args.time,
        pretty: args.pretty(),
        filter: None,
    };
    let quiet = plan.teller.quiet;
    let desk = Desk::new(prompt, view, plan.teller.clone());
    let desk = Rc::new(RefCell::new(desk));
    let (sender, input) = mpsc::channel(16);
    let hands = Hands::new(
        Rc::clone(&desk),
        sender,
        Manner {
            slash: !args.no_slash,
            binary: plan.binary,
        },
        url.to_owned(),
    );
    let typing = spawn_local(hands.work(typed));
    // Who is told to end by a signal ends as one who leaves by himself, with the terminal in order.
    let stop = typing.abort_handle();
    let told = Rc::new(Cell::new(false));
    let was_told = Rc::clone(&told);
    let ending = spawn_local(async move {
        if let Ok(mut signals) = signals::Signals::watch_ends() {
            signals.next().await;
            was_told.set(true);
            stop.abort();
        }
    });
    let mut out = Screen(Rc::clone(&desk));
    let end = tokio::select! {
        end = session::run(link, plan, input, &mut out) => Some(end),
        () = left_without_connection(&typing, &desk) => None,
    };
    drop(out);
    typing.abort();
    ending.abort();
    _ = typing.await;
    _ = ending.await;
    let interrupted = told.get() || desk.borrow().is_interrupted();
    let lost = desk.borrow().is_lost();
    if let Some(desk) = Rc::into_inner(desk) {
        desk.into_inner().end().await;
    }
    match end.map_or(Exit::Abnormal, |end| end.say(quiet)) {
        Exit::Abnormal | Exit::Clean if interrupted => Exit::Interrupted,
        // Whichever has noticed first that the user left.
        Exit::Clean if lost => Exit::Abnormal,
        exit => exit,
    }
}

/// Resolves when the user has left while there is no connection that could be closed.
async fn left_without_connection(typing: &JoinHandle<()>, desk: &RefCell<Desk>) {
    while !(typing.is_finished() && desk.borrow().is_lost()) {
        tokio::time::sleep(LOOK).await;
    }
}

/// The desk, as the conversation sees it.
struct Screen(Rc<RefCell<Desk>>);

impl Output for Screen {
    fn tell(&mut self, event: &Event<'_>) -> io::Result<()> {
        self.0.borrow_mut().tell(event)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().flush();
        Ok(())
    }
}
