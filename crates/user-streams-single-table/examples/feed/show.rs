//! Output for a terminal.

use std::io::{IsTerminal, stdout};

use user_streams_core::{PageLink, StreamItem};

pub fn title(text: &str) {
    println!("\n{}\n{}", style("1", text), "─".repeat(text.chars().count()));
}

/// A line per item: its time, and its content without markup.
pub fn items<'a>(items: impl IntoIterator<Item = &'a StreamItem>) {
    for item in items {
        let at = item.created_at.format("%Y-%m-%d %H:%M:%S%.6f %:z").to_string();
        println!("  {}  {}", style("2", &at), plain(&item.content));
    }
}

pub fn page_bar(links: &[PageLink], current: usize) {
    let links: Vec<_> = links
        .iter()
        .map(|link| match link {
            PageLink::Page(number) if *number == current => style("7", &format!(" {number} ")),
            PageLink::Page(number) => format!(" {number} "),
            PageLink::Ellipsis => "…".to_owned(),
        })
        .collect();
    println!("\n  {}", links.join(""));
}

/// The text with underlined links and without other tags.
fn plain(html: &str) -> String {
    let mut shown = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        let Some((tag, tail)) = after
            .split_once('>')
            .filter(|(tag, _)| tag.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/'))
        else {
            shown.push_str(before);
            shown.push('<');
            rest = after;
            continue;
        };
        shown.push_str(before);
        match tag.split_whitespace().next() {
            Some("a") if stdout().is_terminal() => shown.push_str("\x1b[4m"),
            Some("/a") if stdout().is_terminal() => shown.push_str("\x1b[24m"),
            _ => {}
        }
        rest = tail;
    }
    shown.push_str(rest);
    shown.replace("&amp;", "&")
}

fn style(code: &str, text: &str) -> String {
    if stdout().is_terminal() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}
