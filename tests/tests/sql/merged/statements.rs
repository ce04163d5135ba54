//! How many statements a merged page takes, and how many different ones there are.

use std::collections::BTreeSet;

use user_streams_core::{
    NewItem,
    backend::{Backend, MergedPart, MergedQuery, Position},
};
use user_streams_many_to_many::ManyToManyBackend;
use user_streams_single_table::SingleTableBackend;

use super::stores::{Stores, part};
use crate::database::TestDatabase;

crate::tests![
    a_page_of_any_number_of_streams_is_one_statement,
    streams_that_share_items_take_few_statements,
];

fn teams(count: usize) -> Vec<MergedPart> {
    let teams = (0..count).map(|n| part("teams", format!("team:{n}").as_str()));
    [part("main", 1)].into_iter().chain(teams).collect()
}

async fn a_page_of_any_number_of_streams_is_one_statement(database: TestDatabase) {
    let (connection, log) = database.watched().await;
    let single = SingleTableBackend::new(connection.clone(), database.config()).unwrap();
    let many = ManyToManyBackend::new(connection, database.config()).unwrap();
    for backend in [Box::new(single) as Box<dyn Backend>, Box::new(many)] {
        backend.migrate().await.unwrap();
        let stores = Stores::new(&*backend).await;
        let items: Vec<_> = (0..100).map(|n| NewItem::new(n.to_string())).collect();
        stores.add("main", 1, &items).await;
        let place = items[50].cursor();
        stores.contents(&teams(1), 1).await;
        log.take();
        let mut texts = BTreeSet::new();
        let mut read = async |query: MergedQuery| {
            assert_eq!(stores.read(&query).await.len(), 20);
            let statements = log.take();
            assert_eq!(statements.len(), 1, "one exchange");
            texts.insert(statements[0].sql.clone());
        };
        for count in 1..32 {
            for position in [Position::Offset(0), Position::After(place), Position::Before(place)] {
                read(MergedQuery::new(teams(count), 20).with_position(position)).await;
            }
        }
        assert_eq!(texts.len(), 6 * 3, "1, 2, 4, 8, 16 and 32 teams, in three directions");
    }
}

/// Each statement finds as many rows as are missing at least, and they are doubled.
async fn streams_that_share_items_take_few_statements(database: TestDatabase) {
    let (connection, log) = database.watched().await;
    let single = SingleTableBackend::new(connection.clone(), database.config()).unwrap();
    let many = ManyToManyBackend::new(connection, database.config()).unwrap();
    for backend in [Box::new(single) as Box<dyn Backend>, Box::new(many)] {
        backend.migrate().await.unwrap();
        let stores = Stores::new(&*backend).await;
        let items: Vec<_> = (0..500).map(|n| NewItem::new(n.to_string())).collect();
        let parts = teams(7);
        stores.add("main", 1, &items).await;
        for n in 0..7 {
            stores.add("teams", format!("team:{n}").as_str(), &items).await;
        }
        stores.contents(&parts, 1).await;
        log.take();
        assert_eq!(stores.contents(&parts, 20).await.len(), 20);
        let statements = log.take().len();
        assert!(statements <= 8, "{statements} statements");
    }
}
