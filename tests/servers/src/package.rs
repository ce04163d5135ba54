//! The system's package manager, and the packages of the servers.

use std::process::Command;

use crate::{Kind, Tool, locate};

/// Without `policy-rc.d` a package starts its service, which takes the standard port or fails.
const APT: &str = r#"
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
# One unreachable source must not prevent installing from the others.
apt-get --quiet update || echo 'apt-get update failed; trying with the lists that are there' >&2
apt-get --quiet --yes --no-install-recommends install "$@"
"#;

/// A supported package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manager {
    Apt,
    Dnf,
    Homebrew,
}

impl Manager {
    const ALL: &[Self] = &[Self::Apt, Self::Dnf, Self::Homebrew];

    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Apt => "apt-get",
            Self::Dnf => "dnf",
            Self::Homebrew => "brew",
        }
    }

    /// The one that is installed.
    pub(crate) fn here() -> Option<Self> {
        let is_here = |manager: &Self| locate::on_path(manager.program()).is_some();
        Self::ALL.iter().copied().find(is_here)
    }

    pub(crate) fn package(self, kind: Kind) -> &'static str {
        match self {
            Self::Apt => kind.debian_package(),
            Self::Dnf => kind.fedora_package(),
            Self::Homebrew => kind.homebrew_formula(),
        }
    }

    pub(crate) fn package_of_tool(self, tool: Tool) -> &'static str {
        match (tool, self) {
            // It brings Chromium with it.
            (Tool::Browser, Self::Apt) => "chromium-driver",
            (Tool::Browser, Self::Dnf | Self::Homebrew) => "chromedriver",
            (Tool::Python, Self::Apt) => "python3-venv",
            (Tool::Python, Self::Dnf) => "python3",
            (Tool::Python, Self::Homebrew) => "python",
        }
    }

    /// The line for a person.
    fn line(self, package: &str) -> String {
        let sudo = if self.needs_sudo() { "sudo " } else { "" };
        format!("{sudo}{} install {package}", self.program())
    }

    fn needs_sudo(self) -> bool {
        self != Self::Homebrew && !rustix::process::geteuid().is_root()
    }

    /// The command that we run.
    pub(crate) fn command(self, packages: &[&str]) -> Command {
        let mut words = match self {
            Self::Apt => vec!["sh", "-c", APT, "apt"],
            Self::Dnf => vec!["dnf", "--assumeyes", "install"],
            Self::Homebrew => vec!["brew", "install"],
        };
        if self.needs_sudo() {
            words.insert(0, "sudo");
        }
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(packages);
        command
    }
}

/// The line that installs this server here, or one for each package manager if none is found.
pub(crate) fn line(kind: Kind) -> String {
    lines(|manager| manager.package(kind))
}

/// The same for a program whose package has its name.
pub(crate) fn line_of(program: &str) -> String {
    lines(|_| program)
}

/// The same for a tool.
pub(crate) fn line_of_tool(tool: Tool) -> String {
    lines(|manager| manager.package_of_tool(tool))
}

fn lines<'a>(package: impl Fn(Manager) -> &'a str) -> String {
    let line = |manager: Manager| manager.line(package(manager));
    match Manager::here() {
        Some(manager) => line(manager),
        None => {
            Manager::ALL.iter().map(|&manager| line(manager)).collect::<Vec<_>>().join("` or `")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_manager_names_every_server() {
        for manager in Manager::ALL {
            for &kind in Kind::ALL {
                let package = manager.package(kind);
                assert!(manager.line(package).ends_with(package));
            }
        }
        assert!(
            Manager::Apt
                .line(Manager::Apt.package(Kind::Mysql))
                .ends_with("apt-get install mariadb-server")
        );
    }
}
