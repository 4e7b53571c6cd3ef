//! `tidewire -l`: an interactive server: what is typed goes to the clients, what they say is shown.

mod client;
mod command;
mod input;
mod room;
mod screen;

use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use tidewire::{OriginPolicy, PreparedFrame, Server};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep_until};

use self::client::{Happened, Host};
use self::command::{Command, Who};
use self::room::Room;
use self::screen::{Gone, Screen, Words};
use crate::args::ListenArgs;
use crate::bind::{Door, Place};
use crate::echo::http::Pages;
use crate::exit::{self, Exit};
use crate::signals::Signals;
use crate::term;
use crate::term::prompt::Typed;
use crate::tls::Tls;

/// What may have happened before it is shown.
const AHEAD: usize = 64;
/// How long the clients may take to leave at the end.
const DRAIN: Duration = Duration::from_secs(5);

/// Serves until it is told to stop.
pub(crate) fn run(args: &ListenArgs) -> Exit {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default());
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return exit::error(Exit::Local, &format!("no event loop: {error}")),
    };
    let outcome = runtime.block_on(serve(args));
    // A thread may still wait for a line that nobody will type.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|sentence| exit::error(Exit::Local, &sentence))
}

async fn serve(args: &ListenArgs) -> Result<Exit, String> {
    let tls = Tls::new(&args.tls, args.place.host())?;
    if tls.is_some() && matches!(args.place, Place::Unix(_)) {
        let words = "a Unix socket needs no TLS: leave --tls-… away, or give a port";
        return Ok(exit::error(Exit::Usage, words));
    }
    let signals = Signals::watch()?;
    let door = Rc::new(args.place.open("tidewire -l ").await?);
    announce(&door, tls.as_ref(), args.quiet);
    let (screen, words) = Screen::open(args.quiet)?;
    let (sender, happened) = mpsc::channel(AHEAD);
    let host = Host {
        server: server(args),
        tls,
        pages: Pages::new(None)?,
        count: Cell::new(0),
        happened: sender,
    };
    let accepting = spawn_local(client::accept(door, Rc::new(host)));
    let mut talk = Talk {
        screen,
        room: Room::default(),
        happened,
        signals,
        exit: Exit::Clean,
    };
    match words {
        Words::Typed(typed) => talk.with_a_person(typed).await,
        Words::Lines(lines) => talk.in_a_pipe(lines).await,
    }
    accepting.abort();
    talk.drain().await;
    talk.screen.end().await;
    Ok(talk.exit)
}

/// As `tidewire echo`: a tool to try things with refuses no page.
fn server(args: &ListenArgs) -> Server {
    let server = Server::new().keep_target(true).origin(OriginPolicy::Any);
    if args.subprotocol.is_empty() {
        server.first_offered_subprotocol()
    } else {
        server.subprotocols(&args.subprotocol)
    }
}

/// Says where it listens, and who can come.
fn announce(door: &Door, tls: Option<&Tls>, quiet: bool) {
    if quiet {
        return;
    }
    let (name, s) = (door.name(), if tls.is_some() { "s" } else { "" });
    let hint = tls.map_or("", |tls| tls.hint.as_str());
    let words = match door {
        Door::Tcp(_) => {
            let port = name.rsplit(':').next().unwrap_or_default();
            let who = if door.is_private() {
                format!("* only this machine can connect; others too with -l 0.0.0.0:{port}")
            } else {
                "* every machine that reaches this one can connect".to_owned()
            };
            format!(
                "Listening on ws{s}://{name}/ (press CTRL+C to quit)   tester: http{s}://{name}/\n{who}\n{hint}"
            )
        }
        #[cfg(unix)]
        Door::Unix(..) => format!("Listening on unix:{name} (press CTRL+C to quit)\n"),
    };
    // Who closed stderr does not want to know.
    _ = std::io::stderr().lock().write_all(words.as_bytes());
}

/// What ends it.
#[derive(PartialEq, Eq)]
enum Next {
    Go,
    Stop,
}

struct Talk {
    screen: Screen,
    room: Room,
    happened: mpsc::Receiver<Happened>,
    signals: Signals,
    exit: Exit,
}

impl Talk {
    async fn with_a_person(&mut self, mut typed: mpsc::Receiver<Typed>) {
        loop {
            let next = tokio::select! {
                () = self.signals.next() => Next::Stop,
                typed = typed.recv() => match typed {
                    Some(Typed::Line(line)) => self.obey(&line),
                    Some(Typed::Failed(sentence)) => self.fail(&sentence),
                    #[allow(unreachable_patterns)]
                    Some(_) => Next::Go,
                    None => Next::Stop,
                },
                Some(happened) = self.happened.recv() => self.show(happened).await,
            };
            if next == Next::Stop {
                return;
            }
        }
    }

    /// The input is read while somebody is there to hear it; its end ends nothing.
    async fn in_a_pipe(&mut self, mut lines: mpsc::Receiver<input::Line>) {
        let mut open = true;
        loop {
            let line = async {
                self.room.takes_more().await;
                lines.recv().await
            };
            let next = tokio::select! {
                () = self.signals.next() => Next::Stop,
                line = line, if open && !self.room.is_empty() => match line {
                    Some(Ok(line)) => {
                        self.send(Who::All, &PreparedFrame::text(line));
                        Next::Go
                    }
                    Some(Err(sentence)) => self.fail(&sentence),
                    None => {
                        open = false;
                        Next::Go
                    }
                },
                Some(happened) = self.happened.recv() => self.show(happened).await,
            };
            if next == Next::Stop {
                return;
            }
        }
    }

    fn fail(&mut self, sentence: &str) -> Next {
        self.exit = exit::error(Exit::Local, sentence);
        Next::Stop
    }

    /// Does what was typed.
    fn obey(&mut self, typed: &str) -> Next {
        let done = command::parse(typed).and_then(|command| match command {
            Command::Text(who, text) => self.deliver(who, &PreparedFrame::text(text)),
            Command::Binary(who, bytes) => self.deliver(who, &PreparedFrame::binary(bytes)),
            Command::Ping(who, text) => self.room.ping(who, &text),
            Command::Close(who, code, reason) => self.room.close(who, code, &reason),
            Command::List => {
                self.screen.answer(&self.room.list());
                Ok(())
            }
            Command::Help => {
                self.screen.answer(command::HELP);
                Ok(())
            }
            Command::Quit => Err(String::new()),
        });
        match done {
            Ok(()) => Next::Go,
            Err(nothing) if nothing.is_empty() => Next::Stop,
            Err(sentence) => {
                self.screen.wrong(&sentence);
                Next::Go
            }
        }
    }

    fn send(&mut self, who: Who, frame: &PreparedFrame) {
        // To nobody: who was there has just left.
        _ = self.deliver(who, frame);
    }

    fn deliver(&mut self, who: Who, frame: &PreparedFrame) -> Result<(), String> {
        for slow in self.room.send(who, frame)? {
            self.screen.wrong(&format!(
                "#{slow} does not read: 16 MiB wait for it, so it is closed (1013)"
            ));
        }
        Ok(())
    }

    /// Shows what a client did.
    async fn show(&mut self, happened: Happened) -> Next {
        match happened {
            Happened::Came(number, who) => {
                let protocol = who
                    .subprotocol
                    .as_ref()
                    .map_or(String::new(), |name| format!("  {}", term::line(name, 100)));
                let path = term::line(&who.path, 200);
                let words = format!("#{number} connected {} {path}{protocol}", who.address);
                self.screen.status(&words);
                self.room.enter(number, who);
            }
            Happened::Said(number, message) => {
                if let Err(Gone) = self.screen.message(number, &message).await {
                    return Next::Stop;
                }
            }
            Happened::Ponged(number, payload) => {
                let text = term::line(&String::from_utf8_lossy(&payload), 125);
                let time = self.room.ponged(number, &payload);
                let time = time.map_or("nobody asked for it".to_owned(), |time| {
                    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
                });
                self.screen
                    .status(&format!("#{number} pong \"{text}\" {time}"));
            }
            Happened::Left(number, code, reason, error) => {
                self.room.leave(number);
                let error = error.map_or(String::new(), |error| {
                    format!("; {}", term::line(&error, 300))
                });
                let reason = term::line(&reason, 130);
                self.screen.status(&format!(
                    "#{number} disconnected (code: {}, reason: \"{reason}\"): {}{error}",
                    code.0,
                    code.name()
                ));
            }
            Happened::TurnedAway(address, why) => {
                let words = format!("no connection with {address}: {}", term::line(&why, 300));
                self.screen.status(&words);
            }
        }
        Next::Go
    }

    /// Closes all and waits for their answers; a signal cuts it short.
    async fn drain(&mut self) {
        self.room.dismiss();
        let deadline = Instant::now() + DRAIN;
        while !self.room.is_empty() {
            tokio::select! {
                () = self.signals.next() => {
                    self.exit = Exit::Interrupted;
                    return;
                }
                () = sleep_until(deadline) => return,
                Some(happened) = self.happened.recv() => {
                    let late = matches!(happened, Happened::Came(..));
                    _ = self.show(happened).await;
                    if late {
                        self.room.dismiss();
                    }
                }
            }
        }
    }
}
