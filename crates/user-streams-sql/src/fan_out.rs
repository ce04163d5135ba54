//! An item's way to its recipients: set-based, one statement for a chunk of them, one transaction for all.

use sea_orm::{QueryResult, Value, sea_query::SelectStatement};
use user_streams_core::{
    AddStreamItem, Chunk, Delivered, Error, ErrorKind, NewItem, RecipientChunks, Recipients, Result,
    UserIdKind,
};

use crate::{
    Layout, SqlBackend, Users,
    connections::Transaction,
    copy::{self, Rows},
    database::{On, WriteTurn, within},
    error::from_db,
    group::Outcome,
    users, values,
};

/// Users in one statement: enough that its own cost does not count, few enough that its ids stay within some megabytes, however long they are.
const fn chunk(kind: UserIdKind) -> usize {
    match kind {
        UserIdKind::Text => 10_000,
        _ => 100_000,
    }
}

const TRIES: u32 = 5;

/// What a broadcast tells of its progress.
type Report<'a> = &'a mut (dyn FnMut(u64) + Send);

/// Writes that become visible together. Dropping it undoes them.
struct Unit {
    /// None if it is one statement.
    transaction: Option<Transaction>,
    /// After the transaction, so that it is dropped after it.
    _turn: WriteTurn,
}

impl<L: Layout> SqlBackend<L> {
    pub(crate) async fn fan_out(&self, args: AddStreamItem) -> Result<Delivered> {
        let AddStreamItem { recipients, item, mut on_progress, .. } = args;
        let mut report = move |delivered| {
            if let Some(report) = &mut on_progress {
                report(delivered);
            }
        };
        let limit = self.database.timeouts.broadcast;
        let users = match recipients.query_as::<Users>() {
            Ok(users) => match users.own() {
                Ok(select) => {
                    return within(limit, "the broadcast", self.deliver_query(&select, &item, &mut report))
                        .await;
                }
                Err(elsewhere) => Recipients::query(elsewhere),
            },
            Err(users) => users,
        };
        let chunks = users.into_chunks(L::NAME, self.schema.user_id, chunk(self.schema.user_id))?;
        within(limit, "the broadcast", self.deliver_chunks(chunks, &item, &mut report)).await
    }

    async fn deliver_query(
        &self,
        select: &SelectStatement,
        item: &NewItem,
        report: Report<'_>,
    ) -> Result<Delivered> {
        let (select, mut values) = users::build(select, self.database.dialect.backend());
        let deliver = self.statements.deliver_query(&self.schema, &select, values.len());
        values.extend(self.item_values(item));
        let mut tries = 1;
        loop {
            let turn = self.database.write_turn().await?;
            // A statement that has a transaction to itself need not be undone by itself: on SQLite that saves a third.
            let mut unit = self.begin(turn, self.database.reads_committed()).await?;
            let delivered = match self.put_item(&mut unit, item).await {
                // Not a statement of a known shape, so it has the time of the whole broadcast.
                Ok(()) => self.database.deliver(self.on(&mut unit), &deliver, None, || values.clone()).await,
                Err(error) => Err(error),
            };
            match self.finish(unit, delivered, report).await {
                Err(error) if again(&error, &mut tries) => {}
                Err(error) => return Err(self.of_query(error)),
                done => return done,
            }
        }
    }

    /// Tells a missing table of the query from one of the backend.
    fn of_query(&self, error: Error) -> Error {
        let reason = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        if error.kind() != ErrorKind::NotMigrated || reason.contains(&self.schema.table) {
            return error;
        }
        let message = "the query of the recipients names a table that the backend's database does not have: if the users are in \
                       another one, name it with `users(..).on(&database)`";
        Error::new(ErrorKind::Recipients, message).with_source(error)
    }

    async fn deliver_chunks(
        &self,
        mut chunks: RecipientChunks,
        item: &NewItem,
        report: Report<'_>,
    ) -> Result<Delivered> {
        // Nothing is locked before there is something to write.
        let Some(first) = next(&mut chunks).await? else {
            report(0);
            return Ok(Delivered::new(0));
        };
        // A statement for many may read what it writes to.
        let one_statement = first.last && (first.users.len() == 1 || self.database.reads_committed());
        let mut turn = None;
        if let ([user], true, Some(group)) = (&first.users[..], first.last, &self.group) {
            match group.add(values::user(self.schema.dialect, user), item).await? {
                Outcome::Stored => {
                    report(1);
                    return Ok(Delivered::new(1));
                }
                Outcome::Alone(its) => turn = its,
            }
        }
        if first.last
            && let Some(delivered) = self.deliver_with_item(&first, item).await?
        {
            report(delivered);
            return Ok(Delivered::new(delivered));
        }
        let mut tries = 1;
        loop {
            let its = match turn.take() {
                Some(turn) => turn,
                None => self.database.write_turn().await?,
            };
            let mut unit = self.begin(its, one_statement).await?;
            let delivered = self.deliver_all(&mut unit, &first, &mut chunks, item, report).await;
            match self.finish(unit, delivered, report).await {
                // Recipients who came after the first chunk are gone.
                Err(error) if first.last && again(&error, &mut tries) => {}
                done => return done,
            }
        }
    }

    async fn deliver_all(
        &self,
        unit: &mut Unit,
        first: &Chunk,
        chunks: &mut RecipientChunks,
        item: &NewItem,
        report: Report<'_>,
    ) -> Result<u64> {
        self.put_item(unit, item).await?;
        let mut delivered = self.deliver_chunk(unit, first, item).await?;
        let mut last = first.last;
        while !last && let Some(chunk) = next(chunks).await? {
            report(delivered);
            delivered += self.deliver_chunk(unit, &chunk, item).await?;
            last = chunk.last;
        }
        Ok(delivered)
    }

    async fn deliver_chunk(&self, unit: &mut Unit, chunk: &Chunk, item: &NewItem) -> Result<u64> {
        let dialect = self.schema.dialect;
        let with = |users| {
            let mut values = self.item_values(item);
            values.push(users);
            values
        };
        if let [user] = &chunk.users[..] {
            let values = with(values::user(dialect, user));
            return self
                .database
                .insert_one_unless_there(self.on(unit), &self.statements.deliver_one, values)
                .await;
        }
        let deliver = &self.statements.deliver_many;
        let content = self.statements.items.is_none().then(|| item.content());
        let rows = Rows::new(deliver.copy.as_deref(), &chunk.users, item, content);
        let values = || with(values::users(dialect, self.schema.user_id, &chunk.users));
        let delivered = self.database.deliver(self.on(unit), deliver, rows, values);
        within(self.database.timeouts.statement, "the database", delivered).await
    }

    /// By one statement that stores the item too, where that is possible and pays. `None`, and nothing done, if the item, or another
    /// writer, is in its way.
    async fn deliver_with_item(&self, chunk: &Chunk, item: &NewItem) -> Result<Option<u64>> {
        let statements = self.statements.items.as_ref().and_then(|items| items.with_deliveries.as_ref());
        let Some(statements) = statements.filter(|_| chunk.users.len() < copy::LEAST) else {
            return Ok(None);
        };
        let dialect = self.schema.dialect;
        let (sql, users) = match &chunk.users[..] {
            [user] => (&statements.one, values::user(dialect, user)),
            users => (&statements.many, values::users(dialect, self.schema.user_id, users)),
        };
        let mut values = item_key(item);
        values.extend([item.content().into(), users]);
        match self.database.execute(self.database.write(), sql, values).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(None),
            delivered => delivered.map(Some),
        }
    }

    /// `one_statement`: whether one statement delivers to all, which then needs no transaction where the item has no table of its own.
    async fn begin(&self, turn: WriteTurn, one_statement: bool) -> Result<Unit> {
        let transaction = match one_statement && !L::SEPARATE_ITEMS {
            true => None,
            false => Some(self.database.begin().await?),
        };
        Ok(Unit { transaction, _turn: turn })
    }

    fn on<'a>(&'a self, unit: &'a mut Unit) -> On<'a> {
        unit.transaction.as_mut().map_or(self.database.write(), On::Transaction)
    }

    /// Commits what was delivered; undoes a failure, and an item that nobody received.
    async fn finish(&self, unit: Unit, delivered: Result<u64>, report: Report<'_>) -> Result<Delivered> {
        if let Some(transaction) = unit.transaction {
            match delivered {
                Ok(1..) => self.database.commit(transaction).await?,
                // What is undone here would be undone by the drop too, but later.
                _ => self.database.rollback(transaction).await?,
            }
        }
        let delivered = delivered?;
        report(delivered);
        Ok(Delivered::new(delivered))
    }

    /// Stores the item itself, where it has a table of its own.
    async fn put_item(&self, unit: &mut Unit, item: &NewItem) -> Result<()> {
        let Some(items) = &self.statements.items else { return Ok(()) };
        let key = item_key(item);
        let values = [key.clone(), vec![item.content().into()]].concat();
        let stored = loop {
            if self.database.insert_one_unless_there(self.on(unit), &items.insert, values.clone()).await? == 1
            {
                return Ok(());
            }
            // A retry finds its own item, and holds it against a `purge`; where a purge was faster it is stored anew.
            if let Some(row) = self.database.query(self.on(unit), &items.select, key.clone()).await?.first() {
                break content(row)?;
            }
        };
        // Another content under this key must not reach these recipients, nor be replaced.
        match stored == item.content() {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::Conflict,
                format!(
                    "another item has the id {} and the same `created_at`; nothing was stored",
                    item.id()
                ),
            )
            .with_retryable(false)),
        }
    }

    /// `created_at_us, id`, and the content where it is in the same row.
    fn item_values(&self, item: &NewItem) -> Vec<Value> {
        let mut values = item_key(item);
        if self.statements.items.is_none() {
            values.push(item.content().into());
        }
        values
    }
}

/// `created_at_us, id`
fn item_key(item: &NewItem) -> Vec<Value> {
    vec![item.created_at_us().into(), item.id().get().into()]
}

/// The next chunk, with nobody twice, in the order of the index that the rows go into.
async fn next(chunks: &mut RecipientChunks) -> Result<Option<Chunk>> {
    let mut chunk = chunks.next().await?;
    if let Some(chunk) = &mut chunk {
        chunk.users.sort_unstable();
        chunk.users.dedup();
    }
    Ok(chunk)
}

/// Whether to try again what another transaction was in the way of: deadlocks happen, and an add may be repeated.
pub(crate) fn again(error: &Error, tries: &mut u32) -> bool {
    *tries += 1;
    error.kind() == ErrorKind::Conflict && error.is_retryable() && *tries <= TRIES
}

fn content(row: &QueryResult) -> Result<String> {
    row.try_get_by_index(0).map_err(from_db)
}
