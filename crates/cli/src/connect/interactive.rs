//! The client on a terminal: what arrives is shown above the line being typed.

use std::io;

use tidewire::Message;
use tokio::sync::mpsc;
use tokio::task::spawn_local;

use super::link::Link;
use super::plan::Plan;
use super::session;
use super::status::Teller;
use super::talk::{Event, Input, Output};
use crate::exit::{Exit, error};
use crate::term::prompt::{Prompt, Typed};
use crate::term::{self, Style};

/// The longest message shown, in characters.
const SHOWN: usize = 64 * 1024;

/// Talks until the user leaves (Ctrl-C, Ctrl-D) or the server closes.
pub(super) async fn run(link: Link, plan: Plan) -> Exit {
    let (prompt, mut typed) = match Prompt::open() {
        Ok(both) => both,
        Err(sentence) => return error(Exit::Local, &sentence),
    };
    let (sender, input) = mpsc::channel(16);
    spawn_local(async move {
        while let Some(typed) = typed.recv().await {
            let input = match typed {
                Typed::Line(line) => Input::Send(line.into()),
                Typed::Failed(sentence) => Input::Failed(sentence),
            };
            if sender.send(input).await.is_err() {
                return;
            }
        }
    });
    let colour = term::colour_wanted(&io::stdout());
    let teller = plan.teller.clone();
    let quiet = teller.quiet;
    let mut out = Terminal {
        prompt,
        colour,
        teller,
    };
    let end = session::run(link, plan, input, &mut out).await;
    out.prompt.end().await;
    end.say(quiet)
}

struct Terminal {
    prompt: Prompt,
    colour: bool,
    teller: Teller,
}

impl Output for Terminal {
    fn tell(&mut self, event: &Event<'_>) -> io::Result<()> {
        for line in self.teller.lines(event) {
            self.prompt.print(&line)?;
        }
        let Event::Received(message) = event else {
            return Ok(());
        };
        let shown = match message {
            Message::Text(text) => term::block(text, SHOWN),
            Message::Binary(data) => format!("[binary {} B] {}", data.len(), term::hex(data, 64)),
        };
        let arrow = term::paint(self.colour, Style::Good, "<");
        self.prompt.print(&format!("{arrow} {shown}"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
