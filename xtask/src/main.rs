//! The workspace's tasks: `cargo xtask --help`.

mod bench;
mod ci;
mod dependencies;
mod fault;
mod flags;
mod footprint;
mod fuzz;
mod new_backend;
mod release;
mod serve;
mod test;
mod tidy;
mod web;
mod workspace;

use std::process::ExitCode;

use clap::Parser;
use flags::{Task, Xtask};
use user_streams_test_servers::interrupt;

fn main() -> ExitCode {
    let result = interrupt::listen().and_then(|()| match Xtask::parse().task {
        Task::Test(flags) => test::run(&flags),
        Task::Bench(flags) => bench::run(&flags),
        Task::Footprint(flags) => footprint::run(&flags),
        Task::Fault(flags) => fault::run(&flags),
        Task::Fuzz(flags) => fuzz::run(&flags),
        Task::Soak(flags) => fault::soak(&flags),
        Task::Ci(flags) => ci::run(&flags),
        Task::Tidy => tidy::run(),
        Task::Dependencies => dependencies::run(),
        Task::Matrix => test::matrix(),
        Task::Servers(flags) => serve::run(&flags),
        Task::Release(flags) => release::run(&flags),
        Task::NewBackend(flags) => new_backend::run(&flags),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if interrupt::happened() { 130 } else { 1 })
        }
    }
}
