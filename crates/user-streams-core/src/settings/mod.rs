//! Which backend to use and how.

mod environment;
mod live;
mod option_value;
mod options;
mod redact;
mod retention;
#[cfg(test)]
mod tests;
pub mod timeout;

use std::{env, ffi::OsString, fmt, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::{DEFAULT_MAX_CONTENT_LEN, Error, ErrorKind, Result, feeds::Extras};
pub(crate) use environment::Environment;
pub(crate) use live::Live;
pub use options::Options;
use options::parse_bool;
use redact::is_scheme;
pub(crate) use redact::redact;
pub(crate) use retention::Retention;

const DOTTED_PATH: &str = "a class's path is how django-user-streams names a backend";
const EXAMPLE_URL: &str = "a URL such as `single-table+sqlite://feeds.db?mode=rwc`";

/// The settings: built in code, deserialized from a file, or read from the environment.
///
/// | setting | environment | default | meaning |
/// |---|---|---|---|
/// | `backend` | `USER_STREAMS_BACKEND` | required | the URL; its scheme picks the backend, what follows goes to the driver |
/// | `use_utc` | `USER_STREAMS_USE_UTC` | `false` | show timestamps in UTC; else in the server's local offset |
/// | `max_content_len` | `USER_STREAMS_MAX_CONTENT_LEN` | 1048576 | the longest content, in bytes |
/// | `feeds` | `USER_STREAMS_FEEDS` | none | the names of the [feeds](crate::Streams::feed); in the environment by commas |
/// | `item_marks` | `USER_STREAMS_ITEM_MARKS` | `false` | whether [single items](crate::StreamItems::mark_item_read) can be read and unread |
/// | `audiences` | `USER_STREAMS_AUDIENCES` | `false` | whether [everyone and other audiences](crate::Audience) can be served by one write |
/// | `dismissals` | `USER_STREAMS_DISMISSALS` | `false` | whether users can [dismiss](crate::StreamItems::dismiss) items |
/// | `retractions` | `USER_STREAMS_RETRACTIONS` | `false` | whether items can be [retracted](crate::Streams::retract) for all by one write |
/// | `max_len` | `USER_STREAMS_MAX_LEN` | no limit | only so many of a stream's newest items are there |
/// | `max_age` | `USER_STREAMS_MAX_AGE` | no limit | only items of the last so many seconds are there |
/// | `hide_future` | `USER_STREAMS_HIDE_FUTURE` | `false` | an item with a date to come appears when it comes |
/// | `live` | `USER_STREAMS_LIVE` | `false` | whether the backend tells at once what comes, to [subscribers](crate::StreamItems::subscribe); set it in every process that writes, too |
/// | `poll_interval` | `USER_STREAMS_POLL_INTERVAL` | 1 | else it is asked so often, in seconds |
/// | `lateness` | `USER_STREAMS_LATENESS` | 10 | an item that is stored so many seconds later than its timestamp says still reaches subscribers whatever happens |
/// | `options.<name>` | `USER_STREAMS_<BACKEND>_<NAME>` | | the backend's own options; see its crate |
///
/// ```
/// use user_streams_core::Settings;
///
/// let settings = Settings::new("redis://localhost")
///     .with_use_utc(true)
///     .with_option("user_id", "uuid");
/// let same: Settings = serde_json::from_str(
///     r#"{"backend": "redis://localhost", "use_utc": true, "options": {"user_id": "uuid"}}"#,
/// )?;
/// # assert_eq!(format!("{settings:?}"), format!("{same:?}"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone)]
pub struct Settings {
    backend: String,
    use_utc: bool,
    max_content_len: usize,
    feeds: Vec<String>,
    extras: Extras,
    retention: Retention,
    live: Live,
    options: Options,
    environment: Environment,
}

/// As options are read, since an error of the format's own would show a value or a long name.
impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            backend: String,
            #[serde(default)]
            use_utc: bool,
            max_content_len: Option<usize>,
            #[serde(default)]
            feeds: Vec<String>,
            #[serde(default)]
            item_marks: bool,
            #[serde(default)]
            audiences: bool,
            #[serde(default)]
            dismissals: bool,
            #[serde(default)]
            retractions: bool,
            max_len: Option<u64>,
            #[serde(default, deserialize_with = "retention::deserialize_seconds")]
            max_age: Option<Duration>,
            #[serde(default)]
            hide_future: bool,
            #[serde(default)]
            live: bool,
            #[serde(default, deserialize_with = "retention::deserialize_seconds")]
            poll_interval: Option<Duration>,
            #[serde(default, deserialize_with = "retention::deserialize_seconds")]
            lateness: Option<Duration>,
            #[serde(default)]
            options: Options,
        }

        let fields: Fields =
            Options::deserialize(deserializer)?.parse().map_err(D::Error::custom)?;
        Ok(Self {
            use_utc: fields.use_utc,
            max_content_len: fields.max_content_len.unwrap_or(DEFAULT_MAX_CONTENT_LEN),
            feeds: fields.feeds,
            extras: Extras {
                item_marks: fields.item_marks,
                audiences: fields.audiences,
                dismissals: fields.dismissals,
                retractions: fields.retractions,
            },
            retention: Retention {
                max_len: fields.max_len,
                max_age: fields.max_age,
                hide_future: fields.hide_future,
            },
            live: Live {
                live: fields.live,
                poll_interval: fields.poll_interval.unwrap_or(Live::DEFAULT.poll_interval),
                lateness: fields.lateness.unwrap_or(Live::DEFAULT.lateness),
            },
            options: fields.options,
            ..Self::new(fields.backend)
        })
    }
}

impl Settings {
    /// The defaults with this backend URL.
    pub fn new(backend: impl Into<String>) -> Self {
        Self {
            backend: backend.into(),
            use_utc: false,
            max_content_len: DEFAULT_MAX_CONTENT_LEN,
            feeds: Vec::new(),
            extras: Extras::default(),
            retention: Retention::default(),
            live: Live::DEFAULT,
            options: Options::new(),
            environment: Environment::default(),
        }
    }

    /// The settings of the process's environment variables.
    ///
    /// # Errors
    /// `InvalidSettings`, naming the variable that is missing or malformed. An unknown one is found
    /// when connecting, since only the registered backends know theirs.
    pub fn from_env() -> Result<Self> {
        Self::from_vars(env::vars_os())
    }

    /// The settings of these environment variables; others than `USER_STREAMS_…` are passed over.
    ///
    /// # Errors
    /// Those of [`from_env`](Self::from_env).
    pub fn from_vars<N, V>(variables: impl IntoIterator<Item = (N, V)>) -> Result<Self>
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let mut environment = Environment::new(
            variables.into_iter().map(|(name, value)| (name.into(), value.into())),
        )?;
        let backend = environment
            .take("BACKEND", EXAMPLE_URL, |text| (!text.is_empty()).then(|| text.to_owned()))?;
        let use_utc = environment.take("USE_UTC", "true or false", parse_bool)?;
        let max_content_len = environment
            .take("MAX_CONTENT_LEN", "a number of bytes", |text| text.trim().parse().ok())?;
        let feeds = environment.take("FEEDS", "names of feeds, by commas", |text| {
            let names = text.split(',').map(|name| name.trim().to_owned());
            Some(names.filter(|name| !name.is_empty()).collect())
        })?;
        let mut switch = |name: &str| {
            let is_on = environment.take(name, "true or false", parse_bool)?;
            Ok::<_, Error>(is_on.unwrap_or(false))
        };
        let extras = Extras {
            item_marks: switch("ITEM_MARKS")?,
            audiences: switch("AUDIENCES")?,
            dismissals: switch("DISMISSALS")?,
            retractions: switch("RETRACTIONS")?,
        };
        let max_len =
            environment.take("MAX_LEN", "a number of items", |text| text.trim().parse().ok())?;
        let hide_future = environment.take("HIDE_FUTURE", "true or false", parse_bool)?;
        let live = environment.take("LIVE", "true or false", parse_bool)?;
        let mut seconds = |name: &str| {
            environment.take(name, retention::SECONDS, |text| {
                text.trim().parse().ok().and_then(retention::seconds)
            })
        };
        let max_age = seconds("MAX_AGE")?;
        let live = Live {
            live: live.unwrap_or(false),
            poll_interval: seconds("POLL_INTERVAL")?.unwrap_or(Live::DEFAULT.poll_interval),
            lateness: seconds("LATENESS")?.unwrap_or(Live::DEFAULT.lateness),
        };
        Ok(Self {
            backend: backend.ok_or_else(|| environment::missing("BACKEND", EXAMPLE_URL))?,
            use_utc: use_utc.unwrap_or(false),
            max_content_len: max_content_len.unwrap_or(DEFAULT_MAX_CONTENT_LEN),
            feeds: feeds.unwrap_or_default(),
            extras,
            retention: Retention { max_len, max_age, hide_future: hide_future.unwrap_or(false) },
            live,
            options: Options::new(),
            environment,
        })
    }

    /// Whether timestamps are shown in UTC; else in the server's local offset. The instant is the
    /// same.
    #[must_use]
    pub fn with_use_utc(mut self, use_utc: bool) -> Self {
        self.use_utc = use_utc;
        self
    }

    /// The longest content, in bytes of UTF-8.
    #[must_use]
    pub fn with_max_content_len(mut self, max_content_len: usize) -> Self {
        self.max_content_len = max_content_len;
        self
    }

    /// The names of the feeds, each a set of streams beside the main one; see
    /// [`Streams::feed`](crate::Streams::feed). A name that none can have is refused when
    /// connecting.
    #[must_use]
    pub fn with_feeds(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.feeds = names.into_iter().map(Into::into).collect();
        self
    }

    /// Whether single items can be marked as read and unread, which takes two feeds more; see
    /// [`StreamItems::mark_item_read`](crate::StreamItems::mark_item_read).
    #[must_use]
    pub fn with_item_marks(mut self, item_marks: bool) -> Self {
        self.extras.item_marks = item_marks;
        self
    }

    /// Whether [everyone and other audiences](crate::Audience) can be served by one write, which
    /// takes a feed more. Then a read merges what everyone has been sent.
    #[must_use]
    pub fn with_audiences(mut self, audiences: bool) -> Self {
        self.extras.audiences = audiences;
        self
    }

    /// Whether users can dismiss items, which takes a feed more; see
    /// [`StreamItems::dismiss`](crate::StreamItems::dismiss).
    #[must_use]
    pub fn with_dismissals(mut self, dismissals: bool) -> Self {
        self.extras.dismissals = dismissals;
        self
    }

    /// Whether items can be retracted for all by one write, which takes a feed more; see
    /// [`Streams::retract`](crate::Streams::retract).
    #[must_use]
    pub fn with_retractions(mut self, retractions: bool) -> Self {
        self.extras.retractions = retractions;
        self
    }

    /// Only so many of the newest items of a stream are there, whatever is stored.
    #[must_use]
    pub fn with_max_len(mut self, max_len: u64) -> Self {
        self.retention.max_len = Some(max_len);
        self
    }

    /// Only items that are no older than this are there, whatever is stored.
    #[must_use]
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.retention.max_age = Some(max_age);
        self
    }

    /// Whether an item with a date to come appears when it comes, and not before.
    #[must_use]
    pub fn with_hide_future(mut self, hide_future: bool) -> Self {
        self.retention.hide_future = hide_future;
        self
    }

    /// Whether the backend tells at once what comes, where it can, to
    /// [subscribers](crate::StreamItems::subscribe). Set it in every process that writes as well:
    /// it is they who tell.
    #[must_use]
    pub fn with_live(mut self, live: bool) -> Self {
        self.live.live = live;
        self
    }

    /// How often a backend that does not tell is asked for what has come, while somebody is
    /// subscribed.
    #[must_use]
    pub fn with_poll_interval(mut self, interval: Duration) -> Self {
        self.live.poll_interval = interval;
        self
    }

    /// How much later than its timestamp says an item may be stored and still reach subscribers,
    /// whatever happens: as long as the longest transaction that adds.
    #[must_use]
    pub fn with_lateness(mut self, lateness: Duration) -> Self {
        self.live.lateness = lateness;
        self
    }

    /// Sets one of the backend's own options.
    #[must_use]
    pub fn with_option(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.options.set(name, value);
        self
    }

    /// The backend's URL, with whatever password is in it.
    pub fn backend(&self) -> &str {
        &self.backend
    }

    /// Whether timestamps are shown in UTC.
    pub fn use_utc(&self) -> bool {
        self.use_utc
    }

    /// The longest content, in bytes.
    pub fn max_content_len(&self) -> usize {
        self.max_content_len
    }

    /// The names of the feeds.
    pub fn feeds(&self) -> &[String] {
        &self.feeds
    }

    /// Whether single items can be marked as read and unread.
    pub fn item_marks(&self) -> bool {
        self.extras.item_marks
    }

    /// Whether audiences can be served.
    pub fn audiences(&self) -> bool {
        self.extras.audiences
    }

    /// Whether users can dismiss items.
    pub fn dismissals(&self) -> bool {
        self.extras.dismissals
    }

    /// Whether items can be retracted.
    pub fn retractions(&self) -> bool {
        self.extras.retractions
    }

    pub(crate) fn extras(&self) -> Extras {
        self.extras
    }

    /// Whether the backend tells at once what comes.
    pub fn live(&self) -> bool {
        self.live.live
    }

    /// How often it is asked where it does not tell.
    pub fn poll_interval(&self) -> Duration {
        self.live.poll_interval
    }

    /// How late an item may be stored.
    pub fn lateness(&self) -> Duration {
        self.live.lateness
    }

    pub(crate) fn live_settings(&self) -> Live {
        self.live
    }

    pub(crate) fn retention(&self) -> Retention {
        self.retention
    }

    /// The backend's own options that were set in code or in a file; for those of the environment
    /// too, see [`BackendDriver::options`](crate::backend::BackendDriver::options).
    pub fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    pub(crate) fn scheme(&self) -> Result<&str> {
        match self.backend.split_once(':') {
            Some((scheme, _)) if is_scheme(scheme) => Ok(scheme),
            // The text itself may be a mistyped secret.
            _ => {
                let original = self.backend.starts_with("user_streams.backends.");
                let why = if original { DOTTED_PATH } else { "malformed URL" };
                let message = format!("backend: {why}: expected {EXAMPLE_URL}");
                Err(Error::new(ErrorKind::InvalidSettings, message))
            }
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("backend", &redact(&self.backend))
            .field("use_utc", &self.use_utc)
            .field("max_content_len", &self.max_content_len)
            .field("feeds", &self.feeds.len())
            .field("extras", &self.extras)
            .field("retention", &self.retention)
            .field("live", &self.live)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
