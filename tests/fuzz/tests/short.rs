//! Every target with some inputs, and with those that once failed: a test each.

use std::{collections::HashSet, fs, path::Path, process::ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use user_streams_fuzz::{
    Target,
    run::{self, Failure},
    targets,
};

const INPUTS: u64 = 20_000;
const SEED: u64 = 1;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    run::quiet_panics();
    let tests = targets::all().into_iter().map(|target| {
        Trial::test(target.name().to_owned(), move || {
            seeds_differ(&target)?;
            once_failed(&target)?;
            some_inputs(&target)
        })
    });
    libtest_mimic::run(&arguments, tests.collect()).exit_code()
}

fn seeds_differ(target: &Target) -> Result<(), Failed> {
    let classes = target.seeds().iter().map(|seed| Ok(run::check(target, seed)?.class));
    match classes.collect::<Result<HashSet<_>, Failed>>()?.len() {
        0 | 1 => Err("the seeds have one outcome: they do not reach what is to be tested".into()),
        _ => Ok(()),
    }
}

/// The files of `regressions/<target>/`.
fn once_failed(target: &Target) -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions").join(target.name());
    if !folder.is_dir() {
        return Ok(());
    }
    for file in fs::read_dir(&folder)? {
        let file = file?.path();
        run::check(target, &fs::read(&file)?)
            .map_err(|message| format!("{}: {message}", file.display()))?;
    }
    Ok(())
}

fn some_inputs(target: &Target) -> Result<(), Failed> {
    run::run(target, SEED, INPUTS, None).map(drop).map_err(|failure| {
        let Failure { number, input, message } = failure;
        format!("input {number}: {message}: b\"{}\"", input.escape_ascii()).into()
    })
}
