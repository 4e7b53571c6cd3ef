//! The command lines of `tidewire help`, `completions` and `man`.

use std::path::PathBuf;

use clap::Args;

/// Options of `tidewire help`.
#[derive(Debug, Args)]
pub(crate) struct HelpArgs {
    /// A command, or: websocat, wscat, exit-codes, keys, profiles
    #[arg(value_name = "TOPIC")]
    pub(crate) topic: Option<String>,
}

/// Options of `tidewire completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidewire completions bash > ~/.local/share/bash-completion/completions/tidewire
  tidewire completions zsh > ~/.zfunc/_tidewire       (with fpath+=~/.zfunc before compinit)
  tidewire completions fish > ~/.config/fish/completions/tidewire.fish
  tidewire completions powershell >> $PROFILE")]
pub(crate) struct CompletionsArgs {
    /// For which shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// Options of `tidewire man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidewire man | man -l -                    read it
  tidewire man --dir ~/.local/share/man/man1  install it, a page for each command")]
pub(crate) struct ManArgs {
    /// The page of this command [default: tidewire itself]
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Option<String>,
    /// Write all pages into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub(crate) dir: Option<PathBuf>,
}
