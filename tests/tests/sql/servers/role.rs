//! A login with the privileges that a test grants.

use sea_orm::{ConnectionTrait, DbBackend};

use crate::database::{TestDatabase, connect};

/// Dropped with this.
pub(crate) struct Role {
    /// Of the test's database.
    pub(crate) url: String,
    /// Its name in statements.
    pub(crate) name: String,
    admin: String,
    drop: Vec<String>,
}

impl Role {
    /// A login for the test's database; none on SQLite. `options` follow its name in the statement
    /// that creates it.
    pub(crate) async fn create(database: &TestDatabase, kind: &str, options: &str) -> Option<Self> {
        let (base, data) = database.url.rsplit_once('/').unwrap();
        let (scheme, authority) = base.split_once("://").unwrap();
        let (_, address) = authority.rsplit_once('@').unwrap_or_default();
        let login = format!("us_{kind}_{}", data.trim_start_matches("us_test_"));
        let (name, create, drop) = match database.backend() {
            DbBackend::Postgres => {
                let create = format!("CREATE ROLE {login} LOGIN {options}");
                (
                    login.clone(),
                    create,
                    vec![format!("DROP OWNED BY {login}"), format!("DROP ROLE {login}")],
                )
            }
            DbBackend::MySql => {
                let name = format!("'{login}'@'%'");
                let (create, drop) =
                    (format!("CREATE USER {name} {options}"), format!("DROP USER {name}"));
                // So that it can connect to the database.
                database.run(&create).await;
                database.run(&format!("GRANT SHOW VIEW ON {data}.* TO {name}")).await;
                (name, String::new(), vec![drop])
            }
            _ => return None,
        };
        if !create.is_empty() {
            database.run(&create).await;
        }
        let url = format!("{scheme}://{login}@{address}/{data}");
        Some(Self { url, name, admin: database.url.clone(), drop })
    }

    /// Grants these privileges on all existing tables.
    pub(crate) async fn grant(&self, database: &TestDatabase, rights: &str) {
        let (_, data) = database.url.rsplit_once('/').unwrap();
        let on = match database.backend() {
            DbBackend::Postgres => "ALL TABLES IN SCHEMA public".to_owned(),
            _ => format!("{data}.*"),
        };
        database.run(&format!("GRANT {rights} ON {on} TO {}", self.name)).await;
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let (admin, statements) = (self.admin.clone(), std::mem::take(&mut self.drop));
        // Not on a runtime that is shutting down, nor with a second panic.
        let _ = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let admin = connect(&admin, 1).await;
                for sql in statements {
                    let _ = admin.execute_unprepared(&sql).await;
                }
            });
        })
        .join();
    }
}
