//! Content comes back byte for byte.

use user_streams_core::{DEFAULT_MAX_CONTENT_LEN, NewItem};

use crate::{
    Kinds, Namespace,
    case::cases,
    compare::{assert_items, newest_first, stored},
};

cases![
    a_snowman_comes_back for Kinds::Every,
    the_empty_content_comes_back,
    content_of_four_byte_characters_comes_back,
    markup_and_quotes_come_back,
    line_ends_and_blanks_come_back,
    normal_forms_come_back_as_they_were,
    control_characters_come_back,
    content_that_looks_like_a_number_comes_back,
    the_longest_content_comes_back,
    contents_of_every_length_come_back,
];

/// Each content, added alone and by a broadcast, must come back.
async fn each_comes_back(ns: &Namespace, contents: &[&str]) {
    let users = ns.users(3);
    let items: Vec<_> = contents.iter().map(|content| NewItem::new(*content)).collect();
    for (at, item) in items.iter().enumerate() {
        // Odd ones are broadcast.
        assert_eq!(
            ns.add(&users[..1 + at % 2 * 2], item.clone()).await,
            1 + at as u64 % 2 * 2,
            "{:?}",
            item.content()
        );
        let newest = ns
            .streams()
            .get_stream_items(&users[0])
            .get(0)
            .await
            .expect("a read of one item succeeds");
        assert_items(newest.as_slice(), &[stored(item)], "content comes back byte for byte");
    }
    assert_items(
        &ns.all(&users[0]).await,
        &newest_first(&items),
        "contents come back byte for byte",
    );
}

async fn a_snowman_comes_back(ns: Namespace) {
    each_comes_back(&ns, &["☃", "Snowman: ☃!"]).await;
}

async fn the_empty_content_comes_back(ns: Namespace) {
    each_comes_back(&ns, &["", ""]).await;
}

async fn content_of_four_byte_characters_comes_back(ns: Namespace) {
    each_comes_back(
        &ns,
        &[
            "😀",
            "👩\u{200d}👩\u{200d}👧",
            "𝒳𐍈",
            "\u{10ffff}",
            "a\u{1f3f4}\u{e0067}z",
            "漢字かな",
            "שלום",
            "\u{202e}abc",
        ],
    )
    .await;
}

async fn markup_and_quotes_come_back(ns: Namespace) {
    each_comes_back(
        &ns,
        &[
            "<a href=\"/u/7?a=1&amp;b=2\">O'Neil</a> &lt; <script>alert(1)</script>",
            "'; DROP TABLE stream_items; --",
            "\\",
            "\\\\",
            "\\n",
            "\\0",
            "\\u0041",
            "\"",
            "'",
            "''",
            "`",
            "%",
            "%s %d %%",
            "$1 $$ :a ? ?1 @x {0} {{}}",
            "{\"a\": [1, null]}",
            "[1, 2",
            "\\x00",
            "E'\\\\'",
            "--",
            "/* */",
            "\u{1f}\u{1e}",
        ],
    )
    .await;
}

async fn line_ends_and_blanks_come_back(ns: Namespace) {
    each_comes_back(
        &ns,
        &[
            "a\r\nb",
            "a\nb",
            "a\rb",
            "\n",
            "\r\n",
            "trailing ",
            "trailing  ",
            " leading",
            " ",
            "  ",
            "\t",
            "a\t",
            "\u{a0}",
            "\u{2028}",
            "\u{3000}a",
        ],
    )
    .await;
}

async fn normal_forms_come_back_as_they_were(ns: Namespace) {
    // Composed and decomposed, compatible and canonical, upper and lower case.
    each_comes_back(
        &ns,
        &[
            "\u{e9}",
            "e\u{301}",
            "\u{212b}",
            "\u{c5}",
            "A\u{30a}",
            "\u{fb01}",
            "fi",
            "가",
            "\u{1100}\u{1161}",
            "ǅ",
            "İ",
        ],
    )
    .await;
}

async fn control_characters_come_back(ns: Namespace) {
    let controls: String = ('\u{1}'..='\u{1f}').chain('\u{7f}'..='\u{9f}').collect();
    each_comes_back(
        &ns,
        &[
            &controls,
            "\u{1}",
            "\u{1a}",
            "\u{1b}[31m",
            "\u{7f}",
            "\u{feff}bom",
            "\u{fffe}",
            "\u{ffff}",
            "\u{fffd}",
        ],
    )
    .await;
}

async fn content_that_looks_like_a_number_comes_back(ns: Namespace) {
    each_comes_back(
        &ns,
        &[
            "007",
            "1e3",
            "1.0",
            " 1",
            "-0",
            "9223372036854775808",
            "0x10",
            "true",
            "null",
            "NULL",
            "NaN",
            "2024-01-01",
        ],
    )
    .await;
}

async fn the_longest_content_comes_back(ns: Namespace) {
    let longest = ns.max_content_len().min(DEFAULT_MAX_CONTENT_LEN);
    let ascii: String = "0123456789abcde\n".chars().cycle().take(longest).collect();
    let emoji = "😀".repeat(longest / 4);
    each_comes_back(&ns, &[&ascii, &emoji]).await;
}

async fn contents_of_every_length_come_back(ns: Namespace) {
    // Lengths around those at which storages change their representation.
    let lengths = [
        1, 31, 32, 63, 64, 65, 127, 128, 255, 256, 257, 1_023, 1_024, 2_000, 4_096, 8_191, 65_535,
        65_536, 65_537,
    ];
    let lengths = lengths.into_iter().filter(|length| *length <= ns.max_content_len());
    let contents: Vec<_> =
        lengths.map(|length| "é".repeat(length / 2) + &"x".repeat(length % 2)).collect();
    each_comes_back(&ns, &contents.iter().map(String::as_str).collect::<Vec<_>>()).await;
}
