//! Different ids that share a stream.

use super::{
    super::{Fault, HONEST, Ids, Twist},
    fault,
};
use user_streams_core::UserId;

const ALIKE: &[&str] = &["users::texts_that_look_alike_are_different_users"];
const SPECIAL: &[&str] = &["users::texts_with_special_characters_are_users"];
const SHORT: &[&str] = &["users::short_and_number_like_texts_are_users"];

pub(crate) const FAULTS: &[Fault] = &[
    fault("ids of another case are one", text(str::to_lowercase), ALIKE),
    fault("only ASCII case is folded", text(str::to_ascii_lowercase), ALIKE),
    fault("ids lose trailing blanks", text(|id| id.trim_end_matches(' ').to_owned()), ALIKE),
    fault("ids lose leading blanks", text(|id| id.trim_start_matches(' ').to_owned()), ALIKE),
    fault("blanks of any kind are cut off", text(|id| id.trim().to_owned()), ALIKE),
    fault("ids are composed", text(|id| id.replace("a\u{301}", "\u{e1}")), ALIKE),
    fault("accents are ignored", text(|id| id.replace(['\u{e1}', '\u{e0}'], "a")), ALIKE),
    fault(
        "ligatures in ids are taken apart",
        text(|id| id.replace('\u{fb01}', "fi").replace('ß', "ss")),
        ALIKE,
    ),
    fault("widths are ignored", text(|id| id.replace('１', "1")), ALIKE),
    fault(
        "ignorable characters are ignored",
        text(|id| id.replace(['\u{200d}', '\u{ad}', '\u{feff}'], "")),
        ALIKE,
    ),
    fault("leading zeros are cut off", text(|id| id.trim_start_matches('0').to_owned()), SHORT),
    fault(
        "ids are read as numbers",
        text(|id| id.parse::<f64>().map_or(id.to_owned(), |n| n.to_string())),
        SHORT,
    ),
    fault(
        "the empty id is a blank",
        text(|id| if id.is_empty() { " ".into() } else { id.to_owned() }),
        SHORT,
    ),
    fault(
        "null is no id",
        text(|id| if id == "null" { String::new() } else { id.to_owned() }),
        SHORT,
    ),
    fault(
        "braces choose the key",
        text(|id| match id.split_once('{').and_then(|(_, rest)| rest.split_once('}')) {
            Some((tag, _)) => tag.to_owned(),
            None => id.to_owned(),
        }),
        SPECIAL,
    ),
    fault("percents are decoded", text(|id| id.replace("%25", "%")), SPECIAL),
    fault("ids lose control characters", text(|id| id.replace(char::is_control, "")), SPECIAL),
    fault("backslashes in ids escape", text(|id| id.replace('\\', "")), SPECIAL),
    fault(
        "doubled quotes in ids are one",
        text(|id| id.replace("''", "'").replace("\"\"", "\"")),
        SPECIAL,
    ),
    fault(
        "four-byte characters are question marks",
        text(|id| id.replace(|c| c > '\u{ffff}', "?")),
        SPECIAL,
    ),
    fault(
        "text ids are cut off at 254 bytes",
        text(|id| id[..id.floor_char_boundary(254)].to_owned()),
        &["users::texts_of_255_bytes_are_told_apart_by_their_last"],
    ),
    fault(
        "integers are doubles",
        int(through_a_double),
        &[
            "users::neighbouring_large_integers_are_different_users",
            "users::integers_at_the_limits_are_users",
        ],
    ),
    fault(
        "integers have 32 bits",
        int(|id| id & 0xffff_ffff),
        &["users::negative_integers_are_users_of_their_own"],
    ),
    fault(
        "integers have no sign",
        int(i64::saturating_abs),
        &["users::negative_integers_are_users_of_their_own"],
    ),
    fault(
        "the smallest integer saturates",
        int(|id| id.max(-i64::MAX)),
        &["users::integers_at_the_limits_are_users"],
    ),
    fault(
        "0 is not a user",
        int(|id| if id == 0 { 1 } else { id }),
        &["users::integers_at_the_limits_are_users"],
    ),
    fault(
        "the nil uuid is the max one",
        uuid(|id| if id == 0 { u128::MAX } else { id }),
        &["users::the_nil_and_the_max_uuid_are_users"],
    ),
    fault(
        "half of a uuid is enough",
        uuid(|id| id & u128::from(u64::MAX)),
        &["users::uuids_that_differ_in_one_bit_are_different_users"],
    ),
    fault(
        "the last bit of a uuid is lost",
        uuid(|id| id | 1),
        &["users::uuids_that_differ_in_one_bit_are_different_users"],
    ),
    fault(
        "all users share one stream",
        Twist { user: Ids::Any(|_| UserId::Int(0)), ..HONEST },
        &["delivery::nobody_else_receives_it"],
    ),
];

const fn text(change: fn(&str) -> String) -> Twist {
    Twist { user: Ids::Text(change), ..HONEST }
}

const fn int(change: fn(i64) -> i64) -> Twist {
    Twist { user: Ids::Int(change), ..HONEST }
}

const fn uuid(change: fn(u128) -> u128) -> Twist {
    Twist { user: Ids::Uuid(change), ..HONEST }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "this is the fault"
)]
fn through_a_double(id: i64) -> i64 {
    id as f64 as i64
}
