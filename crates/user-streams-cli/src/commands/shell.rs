//! `completions` and `man`.

use std::io;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{failure::Failure, flags::Flags};

pub(super) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut command = Flags::command();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "user-streams", &mut script);
    Ok(io::Write::write_all(&mut io::stdout(), &script)?)
}

pub(super) fn man(command: Option<&str>) -> Result<(), Failure> {
    let mut program = Flags::command();
    program.build();
    let page = match command {
        None => program,
        Some(name) => {
            let found = program.find_subcommand(name).cloned();
            let unknown = || Failure::usage(format!("{name:?} is no command: see `--help`"));
            found.ok_or_else(unknown)?.display_name(format!("user-streams-{name}"))
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text)?;
    Ok(io::Write::write_all(&mut io::stdout(), &text)?)
}
