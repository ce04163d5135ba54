//! Programs that judge the page, beside the servers that hold what it shows.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::locate;

/// A program that tests are run with where it is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Chromium's WebDriver, and Chromium.
    Browser,
    /// Python that can make an environment of packages.
    Python,
}

impl Tool {
    /// Where it is, if it is installed.
    pub fn find(self) -> Option<PathBuf> {
        match self {
            Self::Browser => locate::on_path("chromedriver"),
            Self::Python => locate::on_path("python3").filter(|python| {
                // Debian has these modules in a package of their own.
                let mut command = Command::new(python);
                command.args(["-c", "import ensurepip, venv"]).stderr(Stdio::null());
                command.status().is_ok_and(|status| status.success())
            }),
        }
    }

    /// The display name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Browser => "chromedriver",
            Self::Python => "Python with its modules ensurepip and venv",
        }
    }
}
