//! Different ids that share a stream.

use user_streams_core::{
    Delivery, Result, StreamItem, UserId,
    backend::{AddStreamItem, CountQuery, DeleteStream, StreamQuery, async_trait},
};
use uuid::Uuid;

use super::{
    super::twist::{Gathered, Twist, gather, twisted},
    Fault, Store, fault,
};

const ALIKE: &[&str] = &["users::texts_that_look_alike_are_different_users"];
const SPECIAL: &[&str] = &["users::texts_with_special_characters_are_users"];
const SHORT: &[&str] = &["users::short_and_number_like_texts_are_users"];

pub(crate) const FAULTS: &[Fault] = &[
    fault("ids of another case are one", |store| text(store, str::to_lowercase), ALIKE),
    fault("only ASCII case is folded", |store| text(store, str::to_ascii_lowercase), ALIKE),
    fault(
        "ids lose trailing blanks",
        |store| text(store, |id| id.trim_end_matches(' ').to_owned()),
        ALIKE,
    ),
    fault(
        "ids lose leading blanks",
        |store| text(store, |id| id.trim_start_matches(' ').to_owned()),
        ALIKE,
    ),
    fault("blanks of any kind are cut off", |store| text(store, |id| id.trim().to_owned()), ALIKE),
    fault("ids are composed", |store| text(store, |id| id.replace("a\u{301}", "\u{e1}")), ALIKE),
    fault(
        "accents are ignored",
        |store| text(store, |id| id.replace(['\u{e1}', '\u{e0}'], "a")),
        ALIKE,
    ),
    fault(
        "ligatures in ids are taken apart",
        |store| text(store, |id| id.replace('\u{fb01}', "fi").replace('ß', "ss")),
        ALIKE,
    ),
    fault("widths are ignored", |store| text(store, |id| id.replace('１', "1")), ALIKE),
    fault(
        "ignorable characters are ignored",
        |store| text(store, |id| id.replace(['\u{200d}', '\u{ad}', '\u{feff}'], "")),
        ALIKE,
    ),
    fault(
        "leading zeros are cut off",
        |store| text(store, |id| id.trim_start_matches('0').to_owned()),
        SHORT,
    ),
    fault(
        "ids are read as numbers",
        |store| text(store, |id| id.parse::<f64>().map_or(id.to_owned(), |n| n.to_string())),
        SHORT,
    ),
    fault(
        "the empty id is a blank",
        |store| text(store, |id| if id.is_empty() { " ".into() } else { id.to_owned() }),
        SHORT,
    ),
    fault(
        "null is no id",
        |store| text(store, |id| if id == "null" { String::new() } else { id.to_owned() }),
        SHORT,
    ),
    fault(
        "braces choose the key",
        |store| {
            text(store, |id| match id.split_once('{').and_then(|(_, rest)| rest.split_once('}')) {
                Some((tag, _)) => tag.to_owned(),
                None => id.to_owned(),
            })
        },
        SPECIAL,
    ),
    fault("percents are decoded", |store| text(store, |id| id.replace("%25", "%")), SPECIAL),
    fault(
        "ids lose control characters",
        |store| text(store, |id| id.replace(char::is_control, "")),
        SPECIAL,
    ),
    fault("backslashes in ids escape", |store| text(store, |id| id.replace('\\', "")), SPECIAL),
    fault(
        "doubled quotes in ids are one",
        |store| text(store, |id| id.replace("''", "'").replace("\"\"", "\"")),
        SPECIAL,
    ),
    fault(
        "four-byte characters are question marks",
        |store| text(store, |id| id.replace(|c| c > '\u{ffff}', "?")),
        SPECIAL,
    ),
    fault(
        "text ids are cut off at 254 bytes",
        |store| text(store, |id| id[..id.floor_char_boundary(254)].to_owned()),
        &["users::texts_of_255_bytes_are_told_apart_by_their_last"],
    ),
    fault(
        "integers are doubles",
        |store| int(store, through_a_double),
        &[
            "users::neighbouring_large_integers_are_different_users",
            "users::integers_at_the_limits_are_users",
        ],
    ),
    fault(
        "integers have 32 bits",
        |store| int(store, |id| id & 0xffff_ffff),
        &["users::negative_integers_are_users_of_their_own"],
    ),
    fault(
        "integers have no sign",
        |store| int(store, i64::saturating_abs),
        &["users::negative_integers_are_users_of_their_own"],
    ),
    fault(
        "the smallest integer saturates",
        |store| int(store, |id| id.max(-i64::MAX)),
        &["users::integers_at_the_limits_are_users"],
    ),
    fault(
        "0 is nobody",
        |store| int(store, |id| if id == 0 { 1 } else { id }),
        &["users::integers_at_the_limits_are_users"],
    ),
    fault(
        "the nil uuid is the max one",
        |store| uuid(store, |id| if id == 0 { u128::MAX } else { id }),
        &["users::the_nil_and_the_max_uuid_are_users"],
    ),
    fault(
        "half of a uuid is enough",
        |store| uuid(store, |id| id & u128::from(u64::MAX)),
        &["users::uuids_that_differ_in_one_bit_are_different_users"],
    ),
    fault(
        "the last bit of a uuid is lost",
        |store| uuid(store, |id| id | 1),
        &["users::uuids_that_differ_in_one_bit_are_different_users"],
    ),
    fault(
        "all users share one stream",
        |store| twisted(store, Users(Ids::Any(|_| UserId::Int(0)))),
        &["delivery::nobody_else_receives_it"],
    ),
];

fn text(store: Store, change: fn(&str) -> String) -> Store {
    twisted(store, Users(Ids::Text(change)))
}

fn int(store: Store, change: fn(i64) -> i64) -> Store {
    twisted(store, Users(Ids::Int(change)))
}

fn uuid(store: Store, change: fn(u128) -> u128) -> Store {
    twisted(store, Users(Ids::Uuid(change)))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "this is the fault"
)]
fn through_a_double(id: i64) -> i64 {
    id as f64 as i64
}

/// What an id becomes, if it is of this kind.
#[derive(Debug, Clone, Copy)]
enum Ids {
    Any(fn(UserId) -> UserId),
    Int(fn(i64) -> i64),
    Uuid(fn(u128) -> u128),
    Text(fn(&str) -> String),
}

impl Ids {
    fn change(self, user: UserId) -> UserId {
        match (self, user) {
            (Self::Any(change), user) => change(user),
            (Self::Int(change), UserId::Int(id)) => UserId::Int(change(id)),
            (Self::Uuid(change), UserId::Uuid(id)) => {
                UserId::from(Uuid::from_u128(change(id.as_u128())))
            }
            (Self::Text(change), UserId::Text(id)) => UserId::Text(change(&id)),
            (_, user) => user,
        }
    }
}

/// Takes the stream of another user for that of a user.
#[derive(Debug)]
struct Users(Ids);

#[async_trait]
impl Twist for Users {
    async fn add(&self, store: &Store, args: AddStreamItem) -> Result<Delivery> {
        let Gathered { users, item, on_progress } = gather(store, args).await?;
        let users: Vec<_> = users.into_iter().map(|user| self.0.change(user)).collect();
        let args = AddStreamItem::new(users, item)?.with_on_progress(on_progress);
        store.add_stream_item(args).await
    }

    async fn read(&self, store: &Store, mut query: StreamQuery) -> Result<Vec<StreamItem>> {
        query.user = self.0.change(query.user);
        store.get_stream_items(query).await
    }

    async fn count(&self, store: &Store, query: CountQuery) -> Result<u64> {
        store.count_stream_items(CountQuery::new(self.0.change(query.user))).await
    }

    async fn delete(&self, store: &Store, args: DeleteStream) -> Result<u64> {
        store.delete_stream(DeleteStream::new(self.0.change(args.user))).await
    }
}
