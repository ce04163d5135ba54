//! Where the server binaries are: on the PATH, or where packages put them outside of it.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::Kind;

/// MariaDB's server, or MySQL's.
pub(crate) const MARIADB: &[&str] = &["mariadbd", "mysqld"];
/// Redis' server, or Valkey's.
pub(crate) const REDIS: &[&str] = &["redis-server", "valkey-server"];
/// The clients of these.
pub(crate) const REDIS_CLI: &[&str] = &["redis-cli", "valkey-cli"];

/// The directory that holds every binary that this kind of server needs.
pub(crate) fn directory(kind: Kind) -> Option<PathBuf> {
    let candidates = chosen(kind).map_or_else(|| candidates(kind), |directory| vec![directory]);
    candidates.into_iter().find(|directory| holds_all(directory, kind))
}

/// The directory that the environment names; no other is searched then.
pub(crate) fn chosen(kind: Kind) -> Option<PathBuf> {
    env::var_os(kind.binaries_variable()).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// A program, in the directory of this variable, or where programs are.
pub(crate) fn program(variable: &str, name: &str) -> Option<PathBuf> {
    let chosen = env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let directories = chosen.map_or_else(directories, |directory| vec![directory]);
    directories.iter().find_map(|directory| binary(directory, &[name]))
}

/// A program on the PATH.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|directory| directory.join(name)).find(|path| path.is_file())
}

/// The first of these binaries that the directory holds.
pub(crate) fn binary(directory: &Path, names: &[&str]) -> Option<PathBuf> {
    names.iter().map(|name| directory.join(name)).find(|path| path.is_file())
}

/// What a kind needs: one binary of each group.
fn needed(kind: Kind) -> &'static [&'static [&'static str]] {
    match kind {
        Kind::Postgres => &[&["initdb"], &["postgres"]],
        Kind::Mysql => &[MARIADB],
        Kind::Redis => &[REDIS],
        Kind::RedisCluster => &[REDIS, REDIS_CLI],
    }
}

fn holds_all(directory: &Path, kind: Kind) -> bool {
    needed(kind).iter().all(|names| binary(directory, names).is_some())
}

/// Where programs are installed.
fn directories() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let others =
        ["/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/opt/homebrew/bin"].map(PathBuf::from);
    env::split_paths(&path).chain(others).collect()
}

/// The directories to search, in order of preference.
fn candidates(kind: Kind) -> Vec<PathBuf> {
    let mut directories = directories();
    if kind == Kind::Postgres {
        directories.extend(versions("/usr/lib/postgresql", ""));
        directories.extend(versions("/usr", "pgsql-"));
        directories.extend(versions("/opt/homebrew/opt", "postgresql@"));
        directories.extend(versions("/usr/local/opt", "postgresql@"));
        directories.push("/opt/homebrew/opt/postgresql/bin".into());
    }
    directories
}

/// `<parent>/<prefix><version>/bin`, newest version first.
fn versions(parent: &str, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let mut found: Vec<(Vec<u32>, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name
                .strip_prefix(prefix)?
                .split('.')
                .map(str::parse)
                .collect::<Result<_, _>>()
                .ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, directory)| directory).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first() -> std::io::Result<()> {
        let parent = tempfile::tempdir()?;
        for name in ["9.6", "15", "16", "common"] {
            fs::create_dir(parent.path().join(name))?;
        }
        let parent = parent.path().to_string_lossy().into_owned();
        let found = versions(&parent, "");
        assert_eq!(
            found,
            ["16", "15", "9.6"].map(|version| Path::new(&parent).join(version).join("bin"))
        );
        Ok(())
    }
}
