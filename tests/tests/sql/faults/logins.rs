//! Logins of MySQL and MariaDB whose sessions have other settings than the server's defaults.
//!
//! `init_connect` is a setting of the server, but has no effect for a superuser such as the other
//! tests' login. What it sets depends on the login's name, so every test sets it to the same text.

use sea_orm::{ConnectionTrait, Statement};

use crate::database::{TestDatabase, connect};

/// The setting of a login's sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    /// `autocommit=0`
    NoAutocommit,
    /// `sql_mode=''`
    LaxMode,
    /// `sql_mode='ORACLE'`; MariaDB
    OracleMode,
    /// `wait_timeout=2`
    ShortWait,
    /// `innodb_snapshot_isolation=ON`; MariaDB
    SnapshotIsolation,
}

impl Setting {
    const ALL: [Self; 5] = [
        Self::NoAutocommit,
        Self::LaxMode,
        Self::OracleMode,
        Self::ShortWait,
        Self::SnapshotIsolation,
    ];

    fn prefix(self) -> &'static str {
        match self {
            Self::NoAutocommit => "us_noauto",
            Self::LaxMode => "us_lax",
            Self::OracleMode => "us_oracle",
            Self::ShortWait => "us_wait",
            Self::SnapshotIsolation => "us_snap",
        }
    }

    /// The variable and its value.
    fn variable(self) -> (&'static str, &'static str) {
        match self {
            Self::NoAutocommit => ("autocommit", "0"),
            Self::LaxMode => ("sql_mode", "''"),
            Self::OracleMode => ("sql_mode", "'ORACLE'"),
            Self::ShortWait => ("wait_timeout", "2"),
            Self::SnapshotIsolation => ("innodb_snapshot_isolation", "1"),
        }
    }

    /// Whether this server has it.
    async fn is_known(self, database: &TestDatabase) -> bool {
        if self == Self::OracleMode {
            return database.number("SELECT VERSION() LIKE '%MariaDB%'").await == 1;
        }
        let sql = format!("SHOW VARIABLES LIKE '{}'", self.variable().0);
        let statement = Statement::from_string(database.backend(), sql);
        database.connection.query_one_raw(statement).await.unwrap().is_some()
    }
}

/// Dropped with this.
pub(crate) struct Login {
    pub(crate) url: String,
    name: String,
    server: String,
}

impl Login {
    /// A login for this database; none if the server does not have the setting.
    pub(crate) async fn create(database: &TestDatabase, setting: Setting) -> Option<Self> {
        if !setting.is_known(database).await {
            return None;
        }
        let mut init = Vec::new();
        for setting in Setting::ALL {
            if setting.is_known(database).await {
                let (variable, value) = setting.variable();
                let prefix = setting.prefix();
                init.push(format!(
                    "SET {variable} = IF(USER() LIKE '{prefix}%', {value}, @@{variable})"
                ));
            }
        }
        let init = init.join("; ").replace('\'', "''");
        database.run(&format!("SET GLOBAL init_connect = '{init}'")).await;
        let (base, name) = database.url.rsplit_once('/').unwrap();
        let (scheme, authority) = base.split_once("://").unwrap();
        let (_, address) = authority.rsplit_once('@').unwrap();
        let number = name.trim_start_matches("us_test_");
        let login = format!("{}_{number}", setting.prefix());
        database.run(&format!("CREATE USER '{login}'@'%'")).await;
        database.run(&format!("GRANT ALL ON {name}.* TO '{login}'@'%'")).await;
        let url = format!("{scheme}://{login}@{address}/{name}");
        Some(Self { url, name: login, server: format!("{base}/") })
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        let (server, sql) = (self.server.clone(), format!("DROP USER '{}'@'%'", self.name));
        // Not on a runtime that is shutting down, nor with a second panic.
        let _ = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async { connect(&server, 1).await.execute_unprepared(&sql).await })
        })
        .join();
    }
}
