//! Property tests: no text makes parsing panic, and no error shows a password.

use proptest::prelude::*;

use super::{mysql, postgres, sqlite};

/// A password among the special characters of URLs.
fn urls() -> impl Strategy<Value = String> {
    let noise = "[ -~äß€\\n\\t]{0,12}";
    let parts = prop::collection::vec(
        prop_oneof![
            Just("://"),
            Just(":"),
            Just("@"),
            Just("/"),
            Just("?"),
            Just("&"),
            Just("="),
            Just("#"),
            Just("%"),
            Just("["),
            Just("]"),
            Just("sslmode"),
            Just("ssl-mode"),
            Just("options=-c "),
            Just("mode"),
            Just("s3cr3t"),
            Just("h"),
            Just("7"),
            Just("\\"),
            Just(",")
        ],
        0..14,
    );
    let scheme =
        prop_oneof![Just("postgres://"), Just("mysql://"), Just("sqlite://"), Just("postgres:")];
    (scheme, parts, noise)
        .prop_map(|(scheme, parts, noise)| format!("{scheme}{}{noise}", parts.concat()))
}

proptest! {
    #[test]
    fn no_url_panics_or_shows_its_password(url in urls()) {
        let errors = [postgres(&url).err(), mysql(&url).err(), sqlite(&url).err()];
        for error in errors.into_iter().flatten() {
            prop_assert!(!format!("{error:?} {error}").contains("s3cr3t"), "{url}: {error:?}");
        }
    }
}
