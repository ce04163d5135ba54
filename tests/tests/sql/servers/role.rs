//! A login that may do what a test grants it.

use sea_orm::{ConnectionTrait, DbBackend};

use crate::database::{TestDatabase, connect};

/// Dropped with this.
pub(crate) struct Role {
    /// Of the test's database.
    pub(crate) url: String,
    /// As statements name it.
    pub(crate) name: String,
    admin: String,
    drop: Vec<String>,
}

impl Role {
    /// A login for the test's database; none on SQLite. What stands after its name in the statement
    /// that makes it is `options`.
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
                // For it to come into the database.
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

    /// Gives it these rights on everything that is in the database now.
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
        // Neither on a runtime that is ending, nor with a second panic in one.
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
