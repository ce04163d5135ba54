//! The program itself.

use std::process::{Command, Stdio};

use crate::target::Target;

/// How it has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

/// `import-django` into a target, without the environment of the tests.
pub(crate) fn command(target: &Target, arguments: &[&str]) -> Command {
    let (name, value) = &target.option;
    let mut command = Command::new(env!("CARGO_BIN_EXE_user-streams"));
    command.env_clear().args(["import-django", "--backend", &target.url]);
    command.args(["--option", &format!("{name}={value}")]).args(arguments).stdin(Stdio::null());
    command
}

pub(crate) fn import(target: &Target, arguments: &[&str]) -> Ended {
    let output = command(target, arguments).output().unwrap();
    Ended {
        code: output.status.code(),
        output: String::from_utf8(output.stdout).unwrap(),
        errors: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ended {
    /// It has succeeded and said this.
    pub(crate) fn said(&self, expected: &str) {
        assert_eq!((self.code, self.output.trim()), (Some(0), expected), "{}", self.errors);
    }

    /// It was refused as wrong usage, and said all of these.
    pub(crate) fn refused(&self, expected: &[&str]) {
        assert_eq!(self.code, Some(2), "{self:?}");
        self.mentions(expected);
    }

    pub(crate) fn mentions(&self, expected: &[&str]) {
        for expected in expected {
            assert!(self.errors.contains(expected), "not {expected:?} in {:?}", self.errors);
        }
    }
}
