//! `tsne completions` and `tsne man`: what shells and manuals need to know of the flags.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit::{Failure, print};

/// Prints a script that completes commands and flags.
pub(crate) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tsne", &mut script);
    print(&String::from_utf8_lossy(&script))
}

/// Prints the manual page of the program, then those of its commands.
pub(crate) fn manual() -> Result<(), Failure> {
    let mut program = Cli::command();
    program.build();
    let mut text = Vec::new();
    let commands = program.get_subcommands().filter(|command| command.get_name() != "help");
    let pages = std::iter::once(program.clone()).chain(commands.cloned());
    for page in pages {
        clap_mangen::Man::new(page).render(&mut text).expect("memory takes all");
    }
    print(&String::from_utf8_lossy(&text))
}
