//! Random queries over several streams agree with a model that is as simple as can be.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use tokio::{runtime::Handle, task};
use user_streams_core::{
    Cursor, NewItem,
    backend::{Backend, MergedQuery, Position},
};

use super::{
    merged::Three,
    model::{same, text},
};
use crate::{Namespace, case::cases, namespace::place};

cases![random_parts_agree_with_the_model; requires GetMerged Feeds,];

const PLANS: u32 = 48;
const SHRINKS: u32 = 300;

/// A query over the three streams.
#[derive(Debug, Clone)]
struct Plan {
    /// Which of the streams have each item.
    items: Vec<(i64, [bool; 3])>,
    /// Each with the place that it is there above.
    parts: Vec<(usize, Option<usize>)>,
    less: Vec<usize>,
    reads: Vec<(usize, usize, u64)>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let items = proptest::collection::vec((-2..2_i64, any::<[bool; 3]>()), 0..24);
    let parts = proptest::collection::vec((0..3_usize, proptest::option::of(0..24_usize)), 1..4);
    let reads = proptest::collection::vec((0..3_usize, 0..24_usize, 1..9_u64), 1..6);
    let less = proptest::collection::vec(0..3_usize, 0..3);
    (items, parts, less, reads).prop_map(|(items, parts, less, reads)| Plan {
        items,
        parts,
        less,
        reads,
    })
}

async fn random_parts_agree_with_the_model(ns: Namespace) {
    let config = Config {
        cases: PLANS,
        max_shrink_iters: SHRINKS,
        failure_persistence: None,
        ..Config::default()
    };
    let (three, runtime) = (Three::new(&ns).await, Handle::current());
    let run = move || {
        let compare = |plan: Plan| runtime.block_on(compare(&three.afresh(&ns), &plan));
        TestRunner::new(config)
            .run(&plan(), |plan| compare(plan).map_err(TestCaseError::fail))
            .map_err(|error| format!("{error:#}"))
    };
    let agreed = task::spawn_blocking(run).await.expect("a comparison ends");
    if let Err(difference) = agreed {
        panic!("streams that are read as one must be as the model has them: {difference}");
    }
}

async fn compare(three: &Three, plan: &Plan) -> Result<(), String> {
    let midnight = place(1_700_000_000_000_000, 1).created_at();
    let mut model: [BTreeMap<Cursor, String>; 3] = Default::default();
    let mut places = Vec::new();
    for (n, (micros, there)) in plan.items.iter().enumerate() {
        let at = midnight + TimeDelta::microseconds(*micros);
        let item = NewItem::new(format!("item {n}")).with_created_at(&at);
        places.push(item.cursor());
        for at in (0..3).filter(|at| there[*at]) {
            three.add(at, &item).await;
            model[at].insert(item.cursor(), item.content().into());
        }
    }
    let place = |at: usize| places.get(at % places.len().max(1)).copied();
    let mut merged = BTreeMap::new();
    let mut parts = Vec::new();
    for (at, above) in &plan.parts {
        let above = above.and_then(place);
        let items = model[*at].iter().filter(|(item, _)| Some(**item) > above);
        merged.extend(items.map(|(item, content)| (*item, content.clone())));
        parts.push(three.part(*at).newer_than(above));
    }
    for at in &plan.less {
        merged.retain(|item, _| !model[*at].contains_key(item));
    }
    let merged: Vec<_> = merged.into_iter().rev().collect();
    let less: Vec<_> = plan.less.iter().map(|at| three.part(*at)).collect();
    for (direction, at, limit) in &plan.reads {
        let most = usize::try_from(*limit).unwrap_or(usize::MAX);
        let (position, expected): (_, Vec<_>) = match (direction, place(*at)) {
            (1, Some(place)) => {
                let older = merged.iter().filter(|(item, _)| *item < place);
                (Position::After(place), older.take(most).cloned().collect())
            }
            (2, Some(place)) => {
                let newer: Vec<_> = merged.iter().filter(|(item, _)| *item > place).collect();
                let nearest = newer.len().saturating_sub(most);
                (Position::Before(place), newer[nearest..].iter().copied().cloned().collect())
            }
            _ => {
                let rest = merged.iter().skip(*at).take(most);
                (Position::Offset(*at as u64), rest.cloned().collect())
            }
        };
        let query = MergedQuery::new(parts.clone(), *limit).less(less.clone());
        let found = three.backend.get_merged(query.with_position(position)).await.map_err(text)?;
        let found: Vec<_> =
            found.iter().map(|item| (item.cursor(), item.content.clone())).collect();
        same(&format!("read from {position:?}"), found, expected)?;
    }
    Ok(())
}
