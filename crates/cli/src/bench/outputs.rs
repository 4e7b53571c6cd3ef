//! [`Outputs`]: where the results go; files are opened before anything is measured.

use std::fs::File;
use std::io::Write;

use tidewire_load::Report;

use super::csv;
use super::page::Page;
use crate::args::BenchArgs;
use crate::exit::{self, Exit, error};

#[derive(Debug)]
enum Target {
    Stdout,
    File(String, File),
}

impl Target {
    fn open(flag: &str, name: &str) -> Result<Self, String> {
        if name == "-" {
            return Ok(Self::Stdout);
        }
        let file = File::create(name);
        let file = file.map_err(|error| format!("{flag}: {name} cannot be written: {error}"))?;
        Ok(Self::File(name.to_owned(), file))
    }

    fn write(&self, text: &str) -> Result<(), Exit> {
        match self {
            Self::Stdout => print(text),
            Self::File(name, file) => {
                let written = (&mut &*file).write_all(text.as_bytes());
                written.map_err(|cause| {
                    error(Exit::Local, &format!("{name} cannot be written: {cause}"))
                })?;
            }
        }
        Ok(())
    }
}

/// Whoever closed the pipe does not want the rest.
fn print(text: &str) {
    _ = std::io::stdout().write_all(text.as_bytes());
}

#[derive(Debug)]
pub(super) struct Outputs {
    json: Option<Target>,
    csv: Option<Target>,
    hdr: Option<Target>,
    report: Option<Target>,
    html: bool,
}

impl Outputs {
    pub(super) fn open(args: &BenchArgs) -> Result<Self, String> {
        let open = |flag: &str, name: &Option<String>| {
            let name = name.as_deref();
            name.map(|name| Target::open(flag, name)).transpose()
        };
        let outputs = Self {
            json: open("--json", &args.json)?,
            csv: open("--csv", &args.csv)?,
            hdr: open("--hdr", &args.hdr)?,
            report: open("--report", &args.report)?,
            html: args
                .report
                .as_ref()
                .is_some_and(|name| name.ends_with(".html")),
        };
        match outputs.on_stdout() {
            0 | 1 => Ok(outputs),
            _ => Err(
                "of --json, --csv and --hdr one alone can go to stdout: give the others a FILE"
                    .to_owned(),
            ),
        }
    }

    /// For people: on stdout, unless that is for a program.
    pub(super) fn text(&self, text: &str) {
        if !self.stdout_is_taken() {
            print(text);
        }
    }

    /// What the exit code says, in words: on stderr where stdout is for a program.
    pub(super) fn verdict(&self, text: &str) {
        match self.stdout_is_taken() {
            true if text.is_empty() => {}
            true => exit::say(text.trim_end()),
            false => print(text),
        }
    }

    fn stdout_is_taken(&self) -> bool {
        self.on_stdout() > 0
    }

    /// How many of them are on stdout.
    fn on_stdout(&self) -> usize {
        let all = [&self.json, &self.csv, &self.hdr].into_iter();
        all.filter(|to| matches!(to, Some(Target::Stdout))).count()
    }

    pub(super) fn json(&self, text: &str) -> Result<(), Exit> {
        self.json.as_ref().map_or(Ok(()), |to| to.write(text))
    }

    pub(super) fn write(&self, url: &str, reports: &[Report], verdicts: &str) -> Result<(), Exit> {
        let json = reports.iter().map(|report| report.to_json() + "\n");
        self.json(&json.collect::<String>())?;
        if let Some(to) = &self.csv {
            to.write(&csv::write(reports))?;
        }
        if let Some(to) = &self.hdr {
            let mut text = Vec::new();
            for report in reports {
                // Memory takes all.
                _ = report.latency_us.write_hdr(&mut text);
            }
            to.write(&String::from_utf8_lossy(&text))?;
        }
        if let Some(to) = &self.report {
            let page = Page {
                url,
                reports,
                verdicts,
            };
            let text = if self.html {
                page.html()
            } else {
                page.markdown()
            };
            to.write(&text)?;
        }
        Ok(())
    }
}
