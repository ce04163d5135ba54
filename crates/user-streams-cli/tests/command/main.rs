//! Runs the program as a shell would. What it has stored is counted by SQL alone.

mod audiences;
mod full;
mod interrupted;
mod marks;
mod messages;
mod moving;
mod pipes;
mod saving;
#[cfg(feature = "serve")]
mod serving;
mod settings;
mod shell;
mod support;
mod transcript;
