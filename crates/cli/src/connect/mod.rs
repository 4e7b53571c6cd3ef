//! `tidewire connect`: opens the connection and picks how to talk over it.

mod alarms;
mod check;
pub(crate) mod ending;
pub(crate) mod expr;
mod input;
mod interactive;
mod json;
mod link;
mod pings;
mod pipe;
mod plan;
mod session;
pub(crate) mod status;
pub(crate) mod talk;
mod wire;

use std::io::IsTerminal;

use tokio::runtime::{Builder, LocalOptions};
use tokio::time::Instant;

use self::input::Cut;
use self::link::NoLink;
use self::pipe::Form;
use self::plan::Plan;
use crate::args::ConnectArgs;
use crate::dial::{self, Dial};
use crate::exit::{self, Exit};

/// Connects to `target` and stays until one side closes or the input ends.
pub(crate) fn run(target: &str, args: ConnectArgs) -> Exit {
    let dial = match Dial::prepare(target, &args.dial) {
        Ok(dial) => dial,
        Err(exit) => return exit,
    };
    let url = dial.url().to_owned();
    let place = Place::of(&args);
    let plan = match Plan::new(dial, &args, place == Place::Interactive) {
        Ok(plan) => plan,
        Err(sentence) => return exit::error(Exit::Usage, &sentence),
    };
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default());
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return exit::error(Exit::Local, &format!("no event loop: {error}")),
    };
    let exit = runtime.block_on(talk(plan, place, &args, &url));
    // A thread may still wait for a line that nobody will type.
    runtime.shutdown_background();
    exit
}

/// Where the conversation is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// On a terminal, with a person.
    Interactive,
    /// With stdin as the input.
    Stdin,
    /// With no input but that of the command line.
    NoInput,
}

impl Place {
    fn of(args: &ConnectArgs) -> Place {
        let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        match args.execute.is_empty() || args.interactive {
            false => Place::NoInput,
            true if terminal && !args.json => Place::Interactive,
            true => Place::Stdin,
        }
    }
}

async fn talk(plan: Plan, place: Place, args: &ConnectArgs, url: &str) -> Exit {
    let left = plan
        .deadline
        .map(|deadline| deadline.saturating_duration_since(Instant::now()));
    let linking = link::open(plan.dial.clone(), plan.frames());
    let link = match link::first(linking, left).await {
        Ok(Ok(link)) => link,
        Ok(Err(failed)) => return not_connected(&plan, url, failed),
        Err(link::Cut::Interrupted) => return Exit::Interrupted,
        Err(link::Cut::Late) => {
            return exit::error(
                Exit::Timeout,
                "the time of --timeout is over, and there is no connection yet",
            );
        }
    };
    let to_terminal = std::io::stdout().is_terminal();
    let form = Form::of(args, url);
    match place {
        Place::Interactive => interactive::run(link, plan).await,
        Place::NoInput => pipe::run(link, plan, input::none(), form, to_terminal).await,
        Place::Stdin => {
            let input = input::stdin(cut(args));
            pipe::run(link, plan, input, form, to_terminal).await
        }
    }
}

fn cut(args: &ConnectArgs) -> Cut {
    match (args.null, args.binary) {
        (false, false) => Cut::Lines,
        (true, false) => Cut::Nul,
        (true, true) => Cut::BinaryNul,
        (false, true) => Cut::Bytes,
    }
}

fn not_connected(plan: &Plan, url: &str, failed: NoLink) -> Exit {
    if plan.teller.verbose > 0 {
        failed.steps.iter().for_each(|line| exit::say(line));
    }
    dial::explain(url, failed.error)
}
