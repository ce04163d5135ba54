//! One numbered page.

use std::{ops::Index, slice, vec};

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result, StreamItem};

/// One page of a [`Paginator`](crate::Paginator).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Page {
    pub(crate) object_list: Vec<StreamItem>,
    pub(crate) number: usize,
    pub(crate) has_next: bool,
    pub(crate) per_page: usize,
}

impl Page {
    /// The items of this page.
    pub fn object_list(&self) -> &[StreamItem] {
        &self.object_list
    }

    /// The number of this page, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The number of items on this page.
    pub fn len(&self) -> usize {
        self.object_list.len()
    }

    /// Whether this page has no items.
    pub fn is_empty(&self) -> bool {
        self.object_list.is_empty()
    }

    /// The item at `index` of this page, 0 being its newest.
    pub fn get(&self, index: usize) -> Option<&StreamItem> {
        self.object_list.get(index)
    }

    /// The items of this page, one by one.
    pub fn iter(&self) -> slice::Iter<'_, StreamItem> {
        self.object_list.iter()
    }

    /// Whether a page of older items follows.
    pub fn has_next(&self) -> bool {
        self.has_next
    }

    /// Whether a page of newer items precedes.
    pub fn has_previous(&self) -> bool {
        self.number > 1
    }

    /// Whether there is any other page.
    pub fn has_other_pages(&self) -> bool {
        self.has_next() || self.has_previous()
    }

    /// The number of the next page.
    ///
    /// # Errors
    /// `EmptyPage` if this is the last one.
    pub fn next_page_number(&self) -> Result<usize> {
        if self.has_next() { Ok(self.number.saturating_add(1)) } else { Err(no_page("next")) }
    }

    /// The number of the previous page.
    ///
    /// # Errors
    /// `EmptyPage` if this is the first one.
    pub fn previous_page_number(&self) -> Result<usize> {
        if self.has_previous() { Ok(self.number - 1) } else { Err(no_page("previous")) }
    }

    /// The place of the first item of this page among all items, from 1; 0 if there are none.
    pub fn start_index(&self) -> usize {
        if self.is_empty() { 0 } else { self.before().saturating_add(1) }
    }

    /// The place of the last item of this page among all items, from 1; 0 if there are none.
    pub fn end_index(&self) -> usize {
        if self.is_empty() { 0 } else { self.before().saturating_add(self.len()) }
    }

    /// How many items are on the pages before.
    fn before(&self) -> usize {
        self.number.saturating_sub(1).saturating_mul(self.per_page)
    }
}

fn no_page(which: &str) -> Error {
    Error::new(ErrorKind::EmptyPage, format!("there is no {which} page"))
}

/// As a slice's: an index that is out of range panics. [`Page::get`] does not.
impl Index<usize> for Page {
    type Output = StreamItem;

    fn index(&self, index: usize) -> &StreamItem {
        &self.object_list[index]
    }
}

impl IntoIterator for Page {
    type Item = StreamItem;
    type IntoIter = vec::IntoIter<StreamItem>;

    fn into_iter(self) -> Self::IntoIter {
        self.object_list.into_iter()
    }
}

impl<'a> IntoIterator for &'a Page {
    type Item = &'a StreamItem;
    type IntoIter = slice::Iter<'a, StreamItem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
