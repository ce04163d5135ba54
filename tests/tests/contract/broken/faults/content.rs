//! Content that does not come back as it was.

use user_streams_core::{
    Delivery, NewItem, Result,
    backend::{AddStreamItem, async_trait},
};

use super::{
    super::twist::{Twist, twisted},
    Fault, Store, fault,
};

const LINES: &[&str] = &["content::line_ends_and_blanks_come_back"];
const MARKUP: &[&str] = &["content::markup_and_quotes_come_back"];
const FORMS: &[&str] = &["content::normal_forms_come_back_as_they_were"];
const CONTROLS: &[&str] = &["content::control_characters_come_back"];
const NUMBERS: &[&str] = &["content::content_that_looks_like_a_number_comes_back"];

pub(crate) const FAULTS: &[Fault] = &[
    fault(
        "trailing blanks are cut off",
        |store| kept(store, |text| text.trim_end().to_owned()),
        LINES,
    ),
    fault(
        "leading blanks are cut off",
        |store| kept(store, |text| text.trim_start().to_owned()),
        LINES,
    ),
    fault(
        "line ends are those of Unix",
        |store| kept(store, |text| text.replace("\r\n", "\n")),
        LINES,
    ),
    fault(
        "carriage returns are line ends",
        |store| kept(store, |text| text.replace('\r', "\n")),
        LINES,
    ),
    fault("markup is escaped", |store| kept(store, |text| text.replace('<', "&lt;")), MARKUP),
    fault("entities are decoded", |store| kept(store, |text| text.replace("&amp;", "&")), MARKUP),
    fault("backslashes escape", |store| kept(store, |text| text.replace("\\\\", "\\")), MARKUP),
    fault("doubled quotes are one", |store| kept(store, |text| text.replace("''", "'")), MARKUP),
    fault("doubled percents are one", |store| kept(store, |text| text.replace("%%", "%")), MARKUP),
    fault(
        "characters are composed",
        |store| kept(store, |text| text.replace("e\u{301}", "\u{e9}")),
        FORMS,
    ),
    fault(
        "characters are taken apart",
        |store| kept(store, |text| text.replace('\u{e9}', "e\u{301}")),
        FORMS,
    ),
    fault(
        "ligatures are taken apart",
        |store| kept(store, |text| text.replace('\u{fb01}', "fi")),
        FORMS,
    ),
    fault(
        "the sign of angstrom is a letter",
        |store| kept(store, |text| text.replace('\u{212b}', "\u{c5}")),
        FORMS,
    ),
    fault(
        "control characters are dropped",
        |store| kept(store, |text| text.replace(|c: char| c.is_control() && c != '\n', "")),
        CONTROLS,
    ),
    fault(
        "byte order marks are dropped",
        |store| kept(store, |text| text.replace('\u{feff}', "")),
        CONTROLS,
    ),
    fault(
        "noncharacters are replaced",
        |store| kept(store, |text| text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")),
        CONTROLS,
    ),
    fault(
        "numbers are read as numbers",
        |store| {
            kept(store, |text| {
                text.trim().parse::<i64>().map_or(text.to_owned(), |n| n.to_string())
            })
        },
        NUMBERS,
    ),
    fault(
        "null is no content",
        |store| kept(store, |text| if text == "null" { String::new() } else { text.to_owned() }),
        NUMBERS,
    ),
    fault(
        "the empty content is a blank",
        |store| kept(store, |text| if text.is_empty() { " ".into() } else { text.to_owned() }),
        &["content::the_empty_content_comes_back"],
    ),
    fault(
        "content is ASCII",
        |store| kept(store, |text| text.replace(|c: char| !c.is_ascii(), "?")),
        &["content::a_snowman_comes_back", "content::content_of_four_byte_characters_comes_back"],
    ),
    fault(
        "characters have three bytes at most",
        |store| kept(store, |text| text.replace(|c| c > '\u{ffff}', "?")),
        &["content::content_of_four_byte_characters_comes_back"],
    ),
    fault(
        "content ends at 65,535 bytes",
        |store| kept(store, |text| text[..text.floor_char_boundary(65_535)].to_owned()),
        &["content::contents_of_every_length_come_back", "content::the_longest_content_comes_back"],
    ),
    fault(
        "content ends at 255 bytes",
        |store| kept(store, |text| text[..text.floor_char_boundary(255)].to_owned()),
        &["content::contents_of_every_length_come_back"],
    ),
    fault(
        "all contents are one",
        |store| kept(store, |_| "item".to_owned()),
        &[
            "delivery::one_user_receives_an_item",
            "delivery::many_users_receive_a_broadcast",
            "delivery::identical_texts_are_two_items",
        ],
    ),
];

fn kept(store: Store, change: fn(&str) -> String) -> Store {
    twisted(store, Content(change))
}

/// Stores what is left of a content.
#[derive(Debug)]
struct Content(fn(&str) -> String);

#[async_trait]
impl Twist for Content {
    async fn add(&self, store: &Store, args: AddStreamItem) -> Result<Delivery> {
        let (recipients, item, on_progress) = args.into_parts();
        let changed = NewItem::new(self.0(item.content()))
            .with_id(item.id())
            .with_created_at(&item.created_at());
        let args = AddStreamItem::new(recipients, changed)?.with_on_progress(on_progress);
        store.add_stream_item(args).await
    }
}
