//! What has been read goes into the target, some thousands of items at a time.

use std::{collections::HashSet, fmt, mem};

use chrono::TimeDelta;
use futures_util::TryStreamExt;
use user_streams::{NewItem, Streams, UserId};

use super::{
    ids::RowKey,
    layout::Layout,
    row::{Problem, Rules},
    ties::Ties,
};
use crate::{failure::Failure, progress::Progress, session::Session};

/// When so much has been read it is written.
const ITEMS: usize = 4_096;
const BYTES: usize = 4 << 20;

/// What an import has done.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) users: u64,
    pub(super) items: u64,
    /// How many of these were not there.
    pub(super) added: u64,
    /// How many were left out, since they cannot be stored.
    pub(super) skipped: u64,
}

pub(super) struct Importer<'a> {
    session: &'a Session,
    target: Streams,
    /// The target as it is stored.
    stored: Streams,
    pub(super) rules: Rules,
    skips_invalid: bool,
    items: Vec<(UserId, NewItem)>,
    bytes: usize,
    counts: Counts,
    progress: Progress,
}

impl<'a> Importer<'a> {
    pub(super) fn new(
        session: &'a Session,
        target: &Streams,
        rules: Rules,
        skips_invalid: bool,
        progress: Progress,
    ) -> Result<Self, Failure> {
        let stored = target.clone().with_audiences(false)?;
        let stored = stored.with_dismissals(false)?.with_retractions(false)?.without_retention();
        Ok(Self {
            session,
            target: target.clone(),
            stored,
            rules,
            skips_invalid,
            items: Vec::with_capacity(ITEMS),
            bytes: 0,
            counts: Counts::default(),
            progress,
        })
    }

    pub(super) fn count_user(&mut self) {
        self.counts.users += 1;
    }

    /// An item for a user.
    pub(super) async fn add(&mut self, user: &UserId, item: NewItem) -> Result<(), Failure> {
        self.counts.items += 1;
        self.bytes += item.content().len();
        self.items.push((user.clone(), item));
        if self.items.len() >= ITEMS || self.bytes >= BYTES {
            self.write().await?;
        }
        Ok(())
    }

    /// Items of one date for a user. Which of several are there already is looked up: an earlier
    /// run may have found them in another order.
    pub(super) async fn add_ties(
        &mut self,
        user: &UserId,
        layout: Layout,
        ties: Ties,
    ) -> Result<(), Failure> {
        let known = match ties.date() {
            Some(date) if ties.len() > 1 => {
                let of_date = self.stored.get_stream_items(user);
                let of_date = of_date.since(date).until(date + TimeDelta::microseconds(1)).stream();
                let keys = of_date.try_filter_map(async |item| Ok(RowKey::of(layout, item.id)));
                keys.try_collect().await?
            }
            _ => HashSet::new(),
        };
        let len = ties.len() as u64;
        let new = ties.into_items(layout, &known);
        self.counts.items += len - new.len() as u64;
        for item in new {
            self.add(user, item).await?;
        }
        Ok(())
    }

    /// What cannot be imported: the end, unless it is to be left out.
    pub(super) fn leave_out(
        &mut self,
        place: impl fmt::Display,
        problem: &Problem,
    ) -> Result<(), Failure> {
        if !self.skips_invalid {
            return Err(Failure::failed(format!(
                "{place}: {problem}; change it there, or leave out what cannot be imported by \
                 --skip-invalid, which names it"
            )));
        }
        eprintln!("left out: {place}: {problem}");
        self.counts.skipped += 1;
        Ok(())
    }

    async fn write(&mut self) -> Result<(), Failure> {
        self.bytes = 0;
        let items = mem::replace(&mut self.items, Vec::with_capacity(ITEMS));
        self.counts.added += self.target.bulk_add(items).await?;
        self.progress.update(self.counts.items, self.counts.items);
        self.session.if_interrupted(format!(
            "{} items are read, {} of them added; run the same command again to complete it: \
             what is there already stays as it is",
            self.counts.items, self.counts.added
        ));
        Ok(())
    }

    /// Writes the rest.
    pub(super) async fn end(mut self) -> Result<Counts, Failure> {
        self.write().await?;
        Ok(self.counts)
    }
}
