//! Contents that do not come back as they were.

use super::{
    super::{Fault, HONEST, Twist},
    fault,
};

const LINES: &[&str] = &["content::line_ends_and_blanks_come_back"];
const MARKUP: &[&str] = &["content::markup_and_quotes_come_back"];
const FORMS: &[&str] = &["content::normal_forms_come_back_as_they_were"];
const CONTROLS: &[&str] = &["content::control_characters_come_back"];
const NUMBERS: &[&str] = &["content::content_that_looks_like_a_number_comes_back"];

const fn kept(content: fn(&str) -> String) -> Twist {
    Twist { content, ..HONEST }
}

pub(crate) const FAULTS: &[Fault] = &[
    fault("trailing blanks are cut off", kept(|text| text.trim_end().to_owned()), LINES),
    fault("leading blanks are cut off", kept(|text| text.trim_start().to_owned()), LINES),
    fault("line ends are those of Unix", kept(|text| text.replace("\r\n", "\n")), LINES),
    fault("carriage returns are line ends", kept(|text| text.replace('\r', "\n")), LINES),
    fault("markup is escaped", kept(|text| text.replace('<', "&lt;")), MARKUP),
    fault("entities are decoded", kept(|text| text.replace("&amp;", "&")), MARKUP),
    fault("backslashes escape", kept(|text| text.replace("\\\\", "\\")), MARKUP),
    fault("doubled quotes are one", kept(|text| text.replace("''", "'")), MARKUP),
    fault("doubled percents are one", kept(|text| text.replace("%%", "%")), MARKUP),
    fault("characters are composed", kept(|text| text.replace("e\u{301}", "\u{e9}")), FORMS),
    fault("characters are taken apart", kept(|text| text.replace('\u{e9}', "e\u{301}")), FORMS),
    fault("ligatures are taken apart", kept(|text| text.replace('\u{fb01}', "fi")), FORMS),
    fault(
        "the sign of angstrom is a letter",
        kept(|text| text.replace('\u{212b}', "\u{c5}")),
        FORMS,
    ),
    fault(
        "control characters are dropped",
        kept(|text| text.replace(|c: char| c.is_control() && c != '\n', "")),
        CONTROLS,
    ),
    fault("byte order marks are dropped", kept(|text| text.replace('\u{feff}', "")), CONTROLS),
    fault(
        "noncharacters are replaced",
        kept(|text| text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")),
        CONTROLS,
    ),
    fault(
        "numbers are read as numbers",
        kept(|text| text.trim().parse::<i64>().map_or(text.to_owned(), |n| n.to_string())),
        NUMBERS,
    ),
    fault(
        "null is no content",
        kept(|text| if text == "null" { String::new() } else { text.to_owned() }),
        NUMBERS,
    ),
    fault(
        "the empty content is a blank",
        kept(|text| if text.is_empty() { " ".into() } else { text.to_owned() }),
        &["content::empty_content_comes_back"],
    ),
    fault(
        "content is ASCII",
        kept(|text| text.replace(|c: char| !c.is_ascii(), "?")),
        &["content::a_snowman_comes_back", "content::content_of_four_byte_characters_comes_back"],
    ),
    fault(
        "characters have three bytes at most",
        kept(|text| text.replace(|c| c > '\u{ffff}', "?")),
        &["content::content_of_four_byte_characters_comes_back"],
    ),
    fault(
        "content ends at 65,535 bytes",
        kept(|text| text[..text.floor_char_boundary(65_535)].to_owned()),
        &["content::content_of_every_length_comes_back", "content::the_longest_content_comes_back"],
    ),
    fault(
        "content ends at 255 bytes",
        kept(|text| text[..text.floor_char_boundary(255)].to_owned()),
        &["content::content_of_every_length_comes_back"],
    ),
    fault(
        "all content is the same",
        kept(|_| "item".to_owned()),
        &[
            "delivery::one_user_receives_an_item",
            "delivery::many_users_receive_a_broadcast",
            "delivery::identical_texts_are_two_items",
        ],
    ),
];
