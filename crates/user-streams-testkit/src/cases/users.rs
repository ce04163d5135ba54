//! Two different ids never share a stream.

use std::collections::HashSet;

use user_streams_core::{NewItem, UserId, UserIdKind, backend::Position};
use uuid::Uuid;

use crate::{
    Kinds, Namespace,
    case::cases,
    compare::{assert_items, stored},
};

cases![
    integers_at_the_limits_are_users for Kinds::Only(UserIdKind::BigInt),
    neighbouring_large_integers_are_different_users for Kinds::Only(UserIdKind::BigInt),
    negative_integers_are_users_of_their_own for Kinds::Only(UserIdKind::BigInt),
    the_nil_and_the_max_uuid_are_users for Kinds::Only(UserIdKind::Uuid),
    uuids_that_differ_in_one_bit_are_different_users for Kinds::Only(UserIdKind::Uuid),
    texts_that_look_alike_are_different_users for Kinds::Only(UserIdKind::Text),
    texts_with_special_characters_are_users for Kinds::Only(UserIdKind::Text),
    texts_of_255_bytes_are_told_apart_by_their_last for Kinds::Only(UserIdKind::Text),
    short_and_number_like_texts_are_users for Kinds::Only(UserIdKind::Text),
];

/// Gives each user an item of its own, by single adds, and one item to all, by a broadcast. Then
/// each must have these two alone.
async fn each_has_a_stream(ns: &Namespace, users: &[UserId]) {
    assert_eq!(
        users.iter().collect::<HashSet<_>>().len(),
        users.len(),
        "this case names a user twice"
    );
    let mut own = Vec::new();
    for user in users {
        let item = NewItem::new(format!("for {user}"));
        assert_eq!(ns.add(user, item.clone()).await, 1, "user {user} receives an item");
        own.push(item);
    }
    let to_all = NewItem::new("to all");
    assert_eq!(
        ns.add(users, to_all.clone()).await,
        users.len() as u64,
        "all of {users:?} receive a broadcast"
    );
    for (user, own) in users.iter().zip(&own) {
        let expected = [stored(&to_all), stored(own)];
        assert_items(
            &ns.all(user).await,
            &expected,
            &format!("user {user} has a stream of its own"),
        );
        assert_eq!(ns.len(user).await, 2, "user {user} has a count of its own");
    }
}

/// The same for users whose ids are fixed, so that items of earlier runs may be there.
async fn each_is_a_user(ns: &Namespace, users: &[UserId]) {
    for user in users {
        let item = NewItem::new(format!("for {user}"));
        let before = ns.count(user).await;
        assert_eq!(ns.add(user, item.clone()).await, 1, "user {user} receives an item");
        assert_eq!(ns.count(user).await, before + 1, "user {user} has one item more");
        for other in users {
            let found = ns.read(other, Position::Offset(0), 1_000).await.contains(&stored(&item));
            assert_eq!(
                found,
                user == other,
                "an item for {user} is in that stream alone: the stream of {other} was read"
            );
        }
    }
    let item = NewItem::new("to all");
    assert_eq!(
        ns.add(users, item.clone()).await,
        users.len() as u64,
        "all of {users:?} receive a broadcast"
    );
    for user in users {
        let found = ns.read(user, Position::Offset(0), 1_000).await.contains(&stored(&item));
        assert!(found, "user {user} has received a broadcast");
    }
}

async fn integers_at_the_limits_are_users(ns: Namespace) {
    let limits = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX, 1 << 53, (1 << 53) + 1];
    each_is_a_user(&ns, &limits.map(UserId::Int)).await;
}

async fn neighbouring_large_integers_are_different_users(ns: Namespace) {
    // As doubles, as JSON numbers may be, they would be one.
    let large = fastrand::i64(1 << 60..1 << 62);
    each_has_a_stream(&ns, &[large, large + 1, large + 2, large | 1 << 62].map(UserId::Int)).await;
}

async fn negative_integers_are_users_of_their_own(ns: Namespace) {
    let id = fastrand::i64(1 << 33..i64::MAX);
    // The same in the lower 32 bits, and in all but the sign.
    each_has_a_stream(&ns, &[id, -id, id & 0xffff_ffff, !id].map(UserId::Int)).await;
}

async fn the_nil_and_the_max_uuid_are_users(ns: Namespace) {
    each_is_a_user(&ns, &[Uuid::nil(), Uuid::max()].map(UserId::Uuid)).await;
}

async fn uuids_that_differ_in_one_bit_are_different_users(ns: Namespace) {
    let id = fastrand::u128(..);
    let others = [id, id ^ 1, id ^ 1 << 63, id ^ 1 << 64, id ^ 1 << 127, id.swap_bytes()];
    each_has_a_stream(&ns, &others.map(|id| UserId::Uuid(Uuid::from_u128(id)))).await;
}

/// Texts of their own for this run, each made of a random text by one of `forms`, where `@` stands
/// for it.
fn texts(forms: &[&str]) -> Vec<UserId> {
    let random = format!("{:x}", fastrand::u128(..));
    forms.iter().map(|form| UserId::Text(form.replace('@', &random))).collect()
}

async fn texts_that_look_alike_are_different_users(ns: Namespace) {
    let forms = [
        // Case, also where it changes the length.
        "@a",
        "@A",
        "@ß",
        "@ss",
        "@SS",
        "@ẞ",
        "@i",
        "@I",
        "@ı",
        "@İ",
        "@ǆ",
        "@ǅ",
        "@σ",
        "@ς",
        // Accents and their normal forms, ligatures, widths, ignorable characters.
        "@\u{e1}",
        "@a\u{301}",
        "@\u{e0}",
        "@\u{fb01}",
        "@fi",
        "@１",
        "@1",
        "@1\u{200d}",
        "@1\u{ad}",
        "@1\u{feff}",
        // Blanks on every side.
        "@",
        "@ ",
        "@  ",
        " @",
        "@\t",
        "@\n",
        "@\u{a0}",
        "\u{3000}@",
        // Numbers of one value.
        "0@7",
        "00@7",
        "@7",
        "@7.0",
        "@07",
    ];
    each_has_a_stream(&ns, &texts(&forms)).await;
}

async fn texts_with_special_characters_are_users(ns: Namespace) {
    let forms = [
        "@",
        "{@}a",
        "{@}b",
        "@:",
        "@{a}",
        "{@}",
        "{@",
        "@}",
        "@%",
        "@%25",
        "@%7B",
        "@%00",
        "@*",
        "@?",
        "@[a]",
        "@_",
        "@\\",
        "@\\0",
        "@'",
        "@''",
        "@\"",
        "@\"\"",
        "@`",
        "@;",
        "@--",
        "@/*",
        "@$1",
        "@:x",
        "@,",
        "@\u{1}",
        "@\u{1f}",
        "@\u{7f}",
        "@\u{85}",
        "@\r\n",
        "@\n",
        "@\r",
        "@☃",
        "@😀",
        "@👩\u{200d}👩\u{200d}👧",
        "@\u{10ffff}",
        "@\u{ffff}",
        "@\u{202e}",
        "@\u{e000}",
        "@null",
        "@/../x",
    ];
    each_has_a_stream(&ns, &texts(&forms)).await;
}

async fn texts_of_255_bytes_are_told_apart_by_their_last(ns: Namespace) {
    let random = format!("{:x}", fastrand::u128(..));
    let ascii = random.clone() + &"x".repeat(254 - random.len());
    let wide = format!("{random:_>35}") + &"😀".repeat(55);
    assert_eq!((ascii.len(), wide.len()), (254, 255), "this case measures wrongly");
    let longest =
        [ascii.clone(), format!("{ascii}a"), format!("{ascii}A"), format!("{ascii} "), wide];
    each_has_a_stream(&ns, &longest.map(UserId::Text)).await;
}

async fn short_and_number_like_texts_are_users(ns: Namespace) {
    let short = [
        "", " ", "0", "7", "007", "7.0", "-0", "1e3", "1000", "null", "NULL", "true", "'", "\\",
        "%", "{}", "[]",
    ];
    each_is_a_user(&ns, &short.map(UserId::from)).await;
}
