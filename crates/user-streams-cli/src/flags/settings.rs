//! The settings as flags, named as the library's.

use std::{env, path::PathBuf};

use clap::Args;

/// A switch that can be given as `--live` and as `--live=false`.
macro_rules! settings {
    (
        texts { $($(#[$text_doc:meta])+ $text:ident: $text_type:ty = $text_value:literal,)* }
        switches { $($(#[$switch_doc:meta])+ $switch:ident,)* }
    ) => {
        /// Each is taken from its flag, else from the variable `USER_STREAMS_<NAME>`, else from the
        /// file.
        #[derive(Debug, Clone, Args)]
        #[command(next_help_heading = "Settings")]
        pub(crate) struct SettingsFlags {
            /// A file with the settings: TOML, or JSON if its name ends so.
            #[arg(long, global = true, value_name = "FILE", env = "USER_STREAMS_CONFIG")]
            pub(crate) config: Option<PathBuf>,
            $(
                $(#[$text_doc])+
                #[arg(long, global = true, value_name = $text_value)]
                $text: Option<$text_type>,
            )*
            $(
                $(#[$switch_doc])+
                #[arg(
                    long, global = true, hide_short_help = true, value_name = "BOOL",
                    num_args = 0..=1, require_equals = true, default_missing_value = "true"
                )]
                $switch: Option<bool>,
            )*
            /// An option of the backend's own, such as `table=feeds`.
            #[arg(long = "option", short = 'o', global = true, value_name = "NAME=VALUE")]
            #[arg(value_parser = option)]
            pub(crate) options: Vec<(String, String)>,
        }

        impl SettingsFlags {
            /// Whether there is anything that may name a backend.
            pub(crate) fn is_backend_named(&self) -> bool {
                self.backend.is_some()
                    || self.config.is_some()
                    || env::var_os("USER_STREAMS_BACKEND").is_some()
            }

            /// Those that are given, each with its name and as a text.
            pub(crate) fn given(&self) -> Vec<(&'static str, String)> {
                let texts = [$(
                    (stringify!($text), self.$text.as_ref().map(ToString::to_string)),
                )*];
                let switches = [$(
                    (stringify!($switch), self.$switch.map(|switch| switch.to_string())),
                )*];
                let all = texts.into_iter().chain(switches);
                all.filter_map(|(name, value)| Some((name, value?))).collect()
            }
        }
    };
}

settings! {
    texts {
        /// The backend's URL. Others see the command line: a URL with a password is better in the
        /// variable `USER_STREAMS_BACKEND` or in the file.
        #[arg(short = 'b')]
        backend: String = "URL",
        /// The names of the feeds, by commas.
        feeds: String = "NAMES",
        /// Only so many of a stream's newest items are there.
        #[arg(hide_short_help = true)]
        max_len: u64 = "ITEMS",
        /// Only items of the last so many seconds are there.
        #[arg(hide_short_help = true)]
        max_age: f64 = "SECONDS",
        /// The longest content, in bytes.
        #[arg(hide_short_help = true)]
        max_content_len: usize = "BYTES",
        /// How often a backend that does not tell is asked for what has come.
        #[arg(hide_short_help = true)]
        poll_interval: f64 = "SECONDS",
        /// How much later than its timestamp says an item may be stored and still be watched.
        #[arg(hide_short_help = true)]
        lateness: f64 = "SECONDS",
    }
    switches {
        /// Show timestamps in UTC; else in the local offset.
        #[arg(visible_alias = "utc")]
        use_utc,
        /// Everyone and other audiences can be served by one write.
        audiences,
        /// Users can dismiss items.
        dismissals,
        /// Items can be retracted for all.
        retractions,
        /// Single items can be read and unread.
        item_marks,
        /// An item with a date to come appears when it comes.
        hide_future,
        /// The backend tells at once what comes, where it can.
        live,
    }
}

fn option(text: &str) -> Result<(String, String), String> {
    // The text itself may be a misplaced secret.
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
