//! Any of the targets: the variable `FUZZ_TARGET` has its name.

#![no_main]

use std::{env, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use user_streams_fuzz::{Target, targets};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = env::var("FUZZ_TARGET").expect("set FUZZ_TARGET to the name of a target");
    let found = targets::all().into_iter().find(|target| target.name() == name);
    found.unwrap_or_else(|| panic!("there is no target {name}"))
});

fuzz_target!(|input: &[u8]| {
    TARGET.check(input);
});
