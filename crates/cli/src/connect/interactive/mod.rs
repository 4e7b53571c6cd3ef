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

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use tidewire::WebSocket;
use tokio::sync::mpsc;
use tokio::task::spawn_local;

use self::desk::Desk;
use self::hands::Hands;
use self::view::View;
use super::session::{self, After};
use super::talk::{Event, Opened, Output};
use crate::args::TerminalArgs;
use crate::exit::{Exit, error};
use crate::term::history;
use crate::term::prompt::{Habits, Prompt};
use crate::{signals, term};

/// What the terminal is to be like.
pub(super) struct Settings {
    /// Where the conversation goes.
    pub(super) url: String,
    pub(super) args: TerminalArgs,
    /// What is known of the connection at the start.
    pub(super) opened: Opened,
}

/// Talks until the user leaves (Ctrl-C, Ctrl-D, `/quit`) or the server closes.
pub(super) async fn run(ws: WebSocket, settings: Settings) -> Exit {
    let args = &settings.args;
    let habits = Habits {
        history: (!args.no_history)
            .then(|| history::file(&settings.url))
            .flatten(),
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
    let desk = Rc::new(RefCell::new(Desk::new(prompt, view)));
    let (sender, input) = mpsc::channel(16);
    let hands = Hands::new(Rc::clone(&desk), sender, !args.no_slash, settings.url);
    let typing = spawn_local(hands.work(typed));
    // Who is told to end by a signal ends as one who leaves by himself, with the terminal in order.
    let stop = typing.abort_handle();
    let ending = spawn_local(async move {
        if let Ok(mut signals) = signals::Signals::watch_ends() {
            signals.next().await;
            stop.abort();
        }
    });
    let mut out = Screen(Rc::clone(&desk));
    _ = out.tell(&Event::Opened(&Arc::new(settings.opened)));
    let end = session::run(ws, input, &mut out, After::Close).await;
    typing.abort();
    ending.abort();
    _ = typing.await;
    _ = ending.await;
    let interrupted = desk.borrow().is_interrupted();
    drop(out);
    if let Some(desk) = Rc::into_inner(desk) {
        desk.into_inner().end().await;
    }
    if let Some(line) = end.line {
        eprintln!("{line}");
    }
    match end.exit {
        Exit::Clean if interrupted => Exit::Interrupted,
        exit => exit,
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
