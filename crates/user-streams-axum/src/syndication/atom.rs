//! Atom, RFC 4287.

use std::io;

use axum::response::Response;
use chrono::{DateTime, Utc};
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};
use user_streams_core::{CursorPage, Error, ErrorKind, StreamItem};

use crate::{
    answer::{Content, Problem},
    request::{Asking, Window},
    shown::Body,
    syndication::entry::{absolute, feed_urn, of_xml, title, url, urn},
};

type Xml = Writer<Vec<u8>>;

pub(crate) async fn atom(asking: Asking, window: Window) -> Result<Response, Problem> {
    let page = window.page(&asking.items).await?;
    let body = write(&asking, &window, &page).map_err(|error| {
        Error::new(ErrorKind::Backend, "the feed cannot be written as XML").with_source(error)
    })?;
    let content = Content { kind: "application/atom+xml; charset=utf-8", body, link: None };
    Ok(asking.answer(content))
}

fn write(asking: &Asking, window: &Window, page: &CursorPage) -> io::Result<String> {
    let mut xml = Writer::new(Vec::new());
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    let options = &asking.site.options;
    let updated = page.items.first().map_or(DateTime::UNIX_EPOCH, |item| item.created_at.to_utc());
    let root = xml.create_element("feed").with_attribute(("xmlns", "http://www.w3.org/2005/Atom"));
    let root = root.with_attribute(("xml:lang", options.lang.as_str()));
    root.write_inner_content(|xml| {
        element(xml, "id", &feed_urn(asking))?;
        element(xml, "title", &options.title)?;
        element(xml, "updated", &date(updated))?;
        xml.create_element("author")
            .write_inner_content(|xml| element(xml, "name", &options.title))?;
        link(xml, "alternate", &absolute(asking, asking.base.root()))?;
        link(xml, "self", &url(asking, "/feed.atom"))?;
        // RFC 5005.
        if let Some(next) = page.next {
            let limit = window.limit;
            link(xml, "next", &url(asking, &format!("/feed.atom?limit={limit}&after={next}")))?;
        }
        page.items.iter().try_for_each(|item| entry(xml, asking, item))
    })?;
    // All that was written was text.
    Ok(String::from_utf8_lossy(&xml.into_inner()).into_owned())
}

fn entry(xml: &mut Xml, asking: &Asking, item: &StreamItem) -> io::Result<()> {
    let shown = (asking.site.options.shown)(item);
    xml.create_element("entry").write_inner_content(|xml| {
        element(xml, "id", &urn(&item.cursor().to_string()))?;
        element(xml, "title", &title(&shown.plain()))?;
        element(xml, "updated", &date(item.created_at.to_utc()))?;
        if let Some(target) = &shown.link {
            link(xml, "alternate", &absolute(asking, target))?;
        }
        let (kind, content) = match &shown.body {
            Body::Text(text) => ("text", text),
            #[cfg(feature = "html")]
            Body::Html(html) => ("html", html),
        };
        let element = xml.create_element("content").with_attribute(("type", kind));
        element.write_text_content(BytesText::new(&of_xml(content)))?;
        Ok(())
    })?;
    Ok(())
}

fn element(xml: &mut Xml, name: &str, text: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(&of_xml(text)))?;
    Ok(())
}

fn link(xml: &mut Xml, rel: &str, href: &str) -> io::Result<()> {
    let href = of_xml(href);
    let link = xml.create_element("link").with_attribute(("rel", rel));
    link.with_attribute(("href", href.as_str())).write_empty()?;
    Ok(())
}

fn date(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}
