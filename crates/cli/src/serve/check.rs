//! `tidewire check-config`: what a configuration means, or every mistake in it.

use std::fmt::Write as _;
use std::io::Write as _;

use tidewire_hub::Config;
use tidewire_hub::config::{Loaded, SAMPLE, describe_namespace};

use crate::args::CheckConfigArgs;
use crate::exit::{self, Exit};

/// Checks a file, or prints the sample.
pub(crate) fn run(args: &CheckConfigArgs) -> Exit {
    let Some(file) = &args.file else {
        return print(SAMPLE);
    };
    match Config::load(&super::sources(Some(file.clone()))) {
        Ok(loaded) => print(&meaning(&loaded)),
        Err(mistakes) => {
            exit::say(&mistakes.to_string());
            Exit::Usage
        }
    }
}

fn print(text: &str) -> Exit {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Ok(()) => Exit::Clean,
        Err(error) => exit::error(Exit::Local, &format!("cannot write to stdout: {error}")),
    }
}

/// The node's options one a line, then a table of the namespaces.
fn meaning(loaded: &Loaded) -> String {
    let config = &loaded.config;
    let mut out = String::new();
    for (name, value) in config.describe() {
        _ = writeln!(out, "{name} = {value}");
    }
    _ = writeln!(
        out,
        "tls: {}\n",
        if config.tls.is_some() { "yes" } else { "no" }
    );
    out.push_str(&table(config));
    for note in &loaded.notes {
        _ = writeln!(out, "note: {note}");
    }
    out
}

/// One row an option, one column a namespace. Columns are as wide as what is in them.
fn table(config: &Config) -> String {
    let mut columns: Vec<Vec<String>> = Vec::new();
    for (name, namespace) in &config.settings.namespaces {
        let options = describe_namespace(namespace);
        if columns.is_empty() {
            let names = options.iter().map(|(name, _)| (*name).to_owned());
            columns.push(
                std::iter::once("namespace".to_owned())
                    .chain(names)
                    .collect(),
            );
        }
        let values = options.into_iter().map(|(_, value)| value.replace('"', ""));
        columns.push(std::iter::once(name.to_string()).chain(values).collect());
    }
    let mut lines = vec![String::new(); columns.first().map_or(0, Vec::len)];
    for column in columns {
        let width = column.iter().map(|cell| cell.chars().count()).max();
        let width = width.unwrap_or(0);
        for (line, cell) in lines.iter_mut().zip(&column) {
            _ = write!(line, "{cell:<width$}  ");
        }
    }
    let lines = lines.iter().map(|line| line.trim_end());
    lines.map(|line| format!("{line}\n")).collect()
}
