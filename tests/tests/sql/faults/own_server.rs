//! A MariaDB or MySQL of the test's own, for settings that every session of a server has.

use std::{
    env,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use sea_orm::{ConnectOptions, ConnectionTrait, Database};
use tokio::time::sleep;

const SERVERS: &[&str] = &["mariadbd", "mysqld"];
const INSTALLERS: &[&str] = &["mariadb-install-db", "mysql_install_db"];

/// Ends the server and removes its directory when its own input ends, as it does when this process
/// dies in whatever way.
const GUARD: &str =
    r#"dir=$1; shift; "$@" </dev/null & pid=$!; cat >/dev/null; kill -KILL $pid; rm -rf "$dir""#;

/// Ends with this process.
pub(crate) struct OwnServer {
    /// Of a database for which the login is a superuser.
    pub(crate) url: String,
    _guard: Child,
}

impl OwnServer {
    /// With this option; none where no binary is found.
    pub(crate) async fn start(option: &str) -> Option<Self> {
        let server = find("USER_STREAMS_TEST_MYSQL_BIN", SERVERS)?;
        let directory = tempfile::tempdir().unwrap().keep();
        let data = directory.join("data");
        let mut base = vec!["--no-defaults".to_owned(), format!("--datadir={}", data.display())];
        if is_root() {
            base.push("--user=root".to_owned());
        }
        install(&server, &base, &directory);
        let init = directory.join("init.sql");
        let sql = "CREATE DATABASE test_own CHARACTER SET utf8mb4;\n\
                   CREATE USER IF NOT EXISTS 'root'@'127.0.0.1';\n\
                   GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1';\n";
        std::fs::write(&init, sql).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = |name: &str| directory.join(name).display().to_string();
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard"]).arg(&directory).arg(&server).args(&base);
        guard.args(["--bind-address=127.0.0.1", "--loose-mysqlx=OFF", "--skip-log-bin"]);
        guard.args(["--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0"]);
        guard.arg(format!("--port={port}")).arg(format!("--socket={}", path("socket")));
        guard.arg(format!("--pid-file={}", path("pid")));
        guard.arg(format!("--init-file={}", init.display())).arg(option);
        guard.env("TMPDIR", &directory);
        guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut guard = guard.spawn().unwrap();
        let url = format!("mysql://root@127.0.0.1:{port}/test_own");
        wait_for(&url, &mut guard).await;
        Some(Self { url, _guard: guard })
    }
}

async fn wait_for(url: &str, guard: &mut Child) {
    for _ in 0..600 {
        assert!(guard.try_wait().unwrap().is_none(), "the server has ended by itself");
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false).connect_timeout(Duration::from_secs(1));
        if let Ok(connection) = Database::connect(options).await
            && connection.execute_unprepared("SELECT 1").await.is_ok()
        {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("the server does not answer");
}

fn install(server: &Path, base: &[String], directory: &Path) {
    let version = Command::new(server).args(["--no-defaults", "--version"]).output().unwrap();
    let is_mariadb = String::from_utf8_lossy(&version.stdout).contains("MariaDB");
    let mut command = match find("USER_STREAMS_TEST_MYSQL_BIN", INSTALLERS) {
        Some(installer) if is_mariadb => {
            let mut command = Command::new(installer);
            command.args(base).args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
            command
        }
        _ => {
            let mut command = Command::new(server);
            command.args(base).arg("--initialize-insecure");
            command
        }
    };
    // Two that are made at once would find each other's temporary tables.
    let output = command.env("TMPDIR", directory).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "making the server's data failed: {said}");
}

/// In the directory of the variable; else on the PATH and where packages put it outside of it.
fn find(variable: &str, names: &[&str]) -> Option<PathBuf> {
    let chosen = env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/opt/homebrew/bin", "/usr/bin"];
    let others = env::split_paths(&path).chain(usual.map(PathBuf::from));
    let mut directories = chosen.into_iter().chain(others);
    directories
        .find_map(|directory| names.iter().map(|name| directory.join(name)).find(|binary| binary.is_file()))
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}
