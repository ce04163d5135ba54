//! Running random plans over the backend and over the model.

use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::{runtime::Handle, task};

use super::{compare::Pair, step::step};
use crate::Namespace;

const PLANS: u32 = 32;
const SHRINKS: u32 = 300;

pub(super) async fn random_feeds_marks_and_bounds_agree_with_the_model(ns: Namespace) {
    let config = Config {
        cases: PLANS,
        max_shrink_iters: SHRINKS,
        failure_persistence: None,
        ..Config::default()
    };
    // The first is read, and the other is merged with it.
    let feeds = ns.alone(["algebra", "algebra_b"]).await;
    let runtime = Handle::current();
    let run = move || {
        let plans = proptest::collection::vec(step(), 1..60);
        TestRunner::new(config)
            .run(&plans, |plan| {
                let compared = runtime.block_on(async {
                    let mut pair = Pair::new(&ns, &feeds);
                    let compared = pair.run(&plan).await;
                    pair.leave(compared.is_ok()).await;
                    compared
                });
                compared.map_err(TestCaseError::fail)
            })
            .map_err(|error| format!("{error:#}"))
    };
    let agreed = task::spawn_blocking(run).await.expect("a comparison ends");
    if let Err(difference) = agreed {
        panic!("what is made of several operations must be as the model has it: {difference}");
    }
}
