//! The tests of the page in Chromium, and of its description in OpenAPI by tools of others. They
//! are ignored by `cargo test`, and run by `cargo xtask test` where these programs are installed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use user_streams_test_servers::{self as servers, Kind, Tool, missing_tool, process};

use crate::workspace;

/// The packages of Python, each at a version.
const REQUIREMENTS: &str = "xtask/requirements.txt";

/// What there is of these programs.
pub(crate) struct Programs {
    /// The browser's driver.
    driver: Option<PathBuf>,
    /// Python's packages, as `REQUIREMENTS` has them now.
    packages: Option<Packages>,
}

/// An environment of Python.
struct Packages {
    binaries: PathBuf,
    axe_core: PathBuf,
}

impl Programs {
    /// Those that are installed.
    pub(crate) fn find() -> Result<Self> {
        Ok(Self { driver: Tool::Browser.find(), packages: Packages::find(&environment()?) })
    }

    /// Where they are, or that they are missing.
    pub(crate) fn list(&self) {
        let driver = self.driver.as_ref().map_or_else(
            || format!("MISSING, so not tested: {}", missing_tool(Tool::Browser)),
            |driver| driver.display().to_string(),
        );
        let packages = self.packages.as_ref().map_or_else(
            || "MISSING, so not tested: run `cargo xtask test --install`".to_owned(),
            |packages| packages.binaries.display().to_string(),
        );
        println!("{:<24}{:<15}{driver}", "the page", "Chromium");
        println!("{:<24}{:<15}{packages}", "OpenAPI, axe-core", "Python");
    }

    /// Runs the tests of those that are there, by this `cargo test` of the workspace, and says
    /// which are skipped.
    pub(crate) fn test(&self, command: Command, filters: &[String]) -> Result<()> {
        let missing = self.missing();
        for what in &missing {
            eprintln!("SKIPPED: {what}");
        }
        // There are as many of these programs.
        if missing.len() == 2 { Ok(()) } else { self.run(command, filters) }
    }

    /// Runs all of these tests and no other; each of the programs has to be there.
    pub(crate) fn test_all(&self, filters: &[String]) -> Result<()> {
        if let Some(what) = self.missing().first() {
            bail!("cannot test {what}");
        }
        let mut command = workspace::cargo();
        command.args(["test", "--all-features", "-p=user-streams-axum", "-p=user-streams-browser"]);
        self.run(command, filters)
    }

    /// What cannot be tested, and what to do about it.
    fn missing(&self) -> Vec<String> {
        let driver = || {
            let advice = missing_tool(Tool::Browser);
            format!("the page in a browser: {advice} (or `cargo xtask test --install`)")
        };
        let packages = || {
            "the description in OpenAPI, and the page by axe-core: run `cargo xtask test --install`"
                .to_owned()
        };
        let driver = self.driver.is_none().then(driver);
        driver.into_iter().chain(self.packages.is_none().then(packages)).collect()
    }

    fn run(&self, mut command: Command, filters: &[String]) -> Result<()> {
        if self.driver.is_some() {
            command.arg("--test=page");
        }
        if self.packages.is_some() {
            command.arg("--test=http");
        }
        command.args(["--", "--ignored", "--test-threads=2"]).args(filters);
        match &self.packages {
            Some(packages) => {
                command.env("AXE_CORE", &packages.axe_core);
                command.env("API_TOOLS", &packages.binaries);
            }
            None => drop(command.args(["--skip", "axe_core"])),
        }
        eprintln!("running `{}`", process::display(&command));
        process::run(&mut command).context("the tests of the page failed")
    }
}

impl Packages {
    /// Those of an environment, unless they are of other versions.
    fn find(environment: &Path) -> Option<Self> {
        let installed = fs::read(environment.join("requirements.txt")).ok()?;
        let wanted = fs::read(workspace::root().join(REQUIREMENTS)).ok()?;
        if installed != wanted {
            return None;
        }
        let pythons = fs::read_dir(environment.join("lib")).ok()?.flatten();
        let file = "site-packages/axe_playwright_python/axe.min.js";
        let mut scripts = pythons.map(|python| python.path().join(file));
        let axe_core = scripts.find(|script| script.is_file())?;
        Some(Self { binaries: environment.join("bin"), axe_core })
    }
}

/// Installs these servers and everything that the tests of the page need, as far as it is missing.
pub(crate) fn install(kinds: &[Kind]) -> Result<()> {
    servers::install(kinds, &[Tool::Browser, Tool::Python])?;
    install_packages()
}

/// Installs Python's packages into an environment of the target directory.
fn install_packages() -> Result<()> {
    let environment = environment()?;
    if Packages::find(&environment).is_some() {
        return Ok(());
    }
    let python = Tool::Python.find().with_context(|| missing_tool(Tool::Python))?;
    eprintln!("installing {REQUIREMENTS}");
    process::run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&environment))
        .context("cannot make an environment of Python")?;
    let requirements = workspace::root().join(REQUIREMENTS);
    let mut pip = Command::new(environment.join("bin/python"));
    // All that is needed is in the file.
    pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps", "-r"]);
    process::run(pip.arg(&requirements)).context("cannot install Python's packages")?;
    fs::copy(requirements, environment.join("requirements.txt"))?;
    Packages::find(&environment).map(drop).context("after the installation: axe.min.js is missing")
}

/// Where Python's packages are.
fn environment() -> Result<PathBuf> {
    Ok(workspace::target()?.join("python"))
}
