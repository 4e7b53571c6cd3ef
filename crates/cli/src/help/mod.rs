//! What teaches: `tidewire help TOPIC`, shell completions, man pages; all from the one definition of
//! the command line, and a few texts of their own.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::{Command, CommandFactory};

use crate::args::{Cli, CompletionsArgs, HelpArgs, ManArgs};
use crate::exit::{self, Exit, error};

/// Texts that are not of one command: name, what it is, text.
const TOPICS: &[(&str, &str, &str)] = &[
    (
        "websocat",
        "websocat's options, and what they are here",
        include_str!("websocat.txt"),
    ),
    (
        "wscat",
        "what is the same as in wscat, and what is better",
        include_str!("wscat.txt"),
    ),
    (
        "exit-codes",
        "what each exit code means",
        include_str!("exit-codes.txt"),
    ),
    (
        "keys",
        "keys and /commands on a terminal",
        include_str!("keys.txt"),
    ),
    (
        "profiles",
        "servers and their options under a name, as @prod",
        include_str!("profiles.txt"),
    ),
];

/// `tidewire help`: of a command all its options, of a topic its text.
pub(crate) fn run(args: &HelpArgs) -> Exit {
    let mut root = Cli::command();
    root.build();
    let Some(topic) = args.topic.as_deref() else {
        let mut text = root.render_help().to_string();
        text.push_str("\nTopics of `tidewire help`:\n");
        for (name, about, _) in TOPICS {
            text.push_str(&format!("  {name:<12} {about}\n"));
        }
        return put(text.as_bytes());
    };
    if let Some((_, _, text)) = TOPICS.iter().find(|(name, ..)| *name == topic) {
        return put(text.as_bytes());
    }
    match root.find_subcommand_mut(topic) {
        Some(command) => put(command.render_long_help().to_string().as_bytes()),
        None => {
            let names = root.get_subcommands().map(Command::get_name);
            let topics = TOPICS.iter().map(|(name, ..)| *name);
            let all: Vec<&str> = names.chain(topics).collect();
            error(
                Exit::Usage,
                &format!("no help on {topic:?}; there is: {}", all.join(", ")),
            )
        }
    }
}

/// `tidewire completions SHELL`, on stdout.
pub(crate) fn completions(args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "tidewire", &mut script);
    put(&script)
}

/// `tidewire man`: a page on stdout, or all of them as files.
pub(crate) fn man(args: &ManArgs) -> Exit {
    let mut root = Cli::command();
    root.build();
    if let Some(dir) = &args.dir {
        return match install(&root, dir) {
            Ok(count) => {
                exit::say(&format!("{count} pages written to {}", dir.display()));
                Exit::Clean
            }
            Err(cause) => error(
                Exit::Local,
                &format!("cannot write to {}: {cause}", dir.display()),
            ),
        };
    }
    let command = match &args.command {
        None => Some(&root),
        Some(name) => root.find_subcommand(name),
    };
    let Some(command) = command else {
        return error(Exit::Usage, "no such command; `tidewire help` lists them");
    };
    match page(command) {
        Ok(page) => put(&page),
        Err(cause) => error(Exit::Local, &format!("cannot write the page: {cause}")),
    }
}

/// The man page of one command, and the texts behind the page of `tidewire` itself.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    if command.get_name() == "tidewire" {
        for (name, _, text) in TOPICS {
            writeln!(page, ".SH {}\n.nf", name.to_uppercase())?;
            for line in text.lines() {
                writeln!(page, "\\&{}", line.replace('\\', "\\e"))?;
            }
            writeln!(page, ".fi")?;
        }
    }
    Ok(page)
}

fn install(root: &Command, dir: &Path) -> io::Result<usize> {
    fs::create_dir_all(dir)?;
    fs::write(dir.join("tidewire.1"), page(root)?)?;
    let mut count = 1;
    for command in root.get_subcommands() {
        let name = format!("tidewire-{}", command.get_name());
        let named = command.clone().name(name.clone());
        fs::write(dir.join(format!("{name}.1")), page(&named)?)?;
        count += 1;
    }
    Ok(count)
}

/// Writes to stdout; whoever closed the pipe has read enough.
fn put(bytes: &[u8]) -> Exit {
    match io::stdout().write_all(bytes) {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => {
            error(Exit::Local, &format!("cannot write: {cause}"))
        }
        _ => Exit::Clean,
    }
}
