//! A file for each command.

mod add;
mod backends;
mod copy;
mod export;
mod hide;
mod marks;
mod read;
mod remove;
mod repair;
mod restore;
#[cfg(feature = "serve")]
mod serve;
mod shell;
mod storage;
mod trim;
mod users;
mod watch;

#[cfg(feature = "import-django")]
use crate::import_django;
use crate::{failure::Failure, flags::Command, session::Session};

/// Does what a command says.
pub(crate) async fn run(command: Command, session: &Session) -> Result<(), Failure> {
    match command {
        Command::Add(flags) => add::run(&flags, session).await,
        Command::List(flags) => read::list(&flags, session).await,
        Command::Count(flags) => read::count(&flags, session).await,
        Command::Unread(flags) => marks::unread(&flags, session).await,
        Command::MarkRead(flags) => marks::mark_read(&flags, session).await,
        Command::Remove(flags) => remove::run(&flags, session).await,
        Command::Dismiss(flags) => hide::dismiss(&flags, session).await,
        Command::Retract(flags) => hide::retract(&flags, session).await,
        Command::Trim(flags) => trim::run(&flags, session).await,
        Command::Watch(flags) => watch::run(&flags, session).await,
        Command::Users { feed } => users::run(&feed, session).await,
        Command::Copy(flags) => copy::run(&flags, session).await,
        Command::Export(flags) => export::run(&flags, session).await,
        Command::Restore(flags) => restore::run(&flags, session).await,
        #[cfg(feature = "import-django")]
        Command::ImportDjango(flags) => import_django::run(&flags, session).await,
        #[cfg(feature = "serve")]
        Command::Serve(flags) => serve::run(&flags, session).await,
        Command::Migrate => storage::migrate(session).await,
        Command::Ping => storage::ping(session).await,
        Command::Repair(flags) => repair::run(&flags, session).await,
        Command::Backends => backends::run(session).await,
        Command::Completions { shell } => shell::completions(shell),
        Command::Man { command } => shell::man(command.as_deref()),
    }
}
