//! The command line.

mod everything;
mod feed;
#[cfg(feature = "import-django")]
mod import_django;
mod reading;
mod recipients;
#[cfg(feature = "serve")]
mod serving;
mod settings;
mod writing;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use everything::{Copy, Export, Repair, Restore, Trim};
pub(crate) use feed::Feed;
#[cfg(feature = "import-django")]
pub(crate) use import_django::ImportDjango;
pub(crate) use reading::{Count, List, MarkRead, Stream, Unread, Watch};
pub(crate) use recipients::Recipients;
#[cfg(feature = "serve")]
pub(crate) use serving::Serve;
pub(crate) use settings::SettingsFlags;
pub(crate) use writing::{Add, Dismiss, Remove, Retract};

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 failed; 2 wrong usage, arguments or settings; 3 compared, and different; \
75 failed for now: the same command may succeed later; 130 and 143 interrupted.";

/// Looks into users' news feeds, sends, removes, trims, moves, saves and restores them.
#[derive(Debug, Parser)]
#[command(name = "user-streams", version, after_help = EXIT_CODES)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Flags {
    #[command(flatten)]
    pub(crate) settings: SettingsFlags,
    /// No progress and no remarks on standard error, only errors.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Add(Add),
    List(List),
    Count(Count),
    Unread(Unread),
    MarkRead(MarkRead),
    Remove(Remove),
    Dismiss(Dismiss),
    Retract(Retract),
    Trim(Trim),
    Watch(Watch),
    /// Prints the id of everyone who has a stream, one a line.
    Users {
        #[command(flatten)]
        feed: Feed,
    },
    Copy(Copy),
    Export(Export),
    Restore(Restore),
    #[cfg(feature = "import-django")]
    ImportDjango(ImportDjango),
    #[cfg(feature = "serve")]
    Serve(Serve),
    /// Creates or upgrades the tables, of the feeds as well.
    Migrate,
    /// Asks whether the storage answers.
    Ping,
    Repair(Repair),
    /// Lists the backends of this program and, of the one that the settings name, what it can do.
    Backends,
    /// Prints the completions for a shell.
    Completions {
        /// Which shell.
        shell: Shell,
    },
    /// Prints the man page, of this program or of one of its commands.
    Man {
        /// Of this command.
        command: Option<String>,
    },
}
