//! Random lives of two sessions on one instance, beside a small model that knows the rules and not the machine.
//!
//! The model hears what is handed in and what goes out, keeps its own books, and says what must never happen. A
//! failing life is printed as a list of steps; proptest shrinks it first.

#[path = "../driver/mod.rs"]
mod driver;
mod life;
mod model;
mod pair;

use std::collections::HashMap;

use driver::{Sent, secs};
use life::{setups, steps};
use model::Model;
use pair::Pair;
use plextrac_auth_core::{Call, Event, Instant, RequestId};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

proptest! {
    #![proptest_config(ProptestConfig { cases: 8000, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn no_life_breaks_a_rule(setup in setups(), steps in prop::collection::vec(steps(), 1..80)) {
        let mut pair = Pair::new(&setup);
        for step in steps {
            pair.apply(&step);
        }
        pair.every_want_ends();
    }
}

/// The model finds what it looks for: books that are wrong on purpose.
#[test]
#[should_panic(expected = "requests in a minute, 2 allowed")]
fn control_a_third_request_in_a_minute_is_noticed() {
    let mut model = Model { limit: 2, ..Model::default() };
    for second in [0, 10, 20] {
        let at = Instant::from_millis(second * 1000);
        let sent =
            Sent { id: RequestId(1), call: Call::Refresh, at, body: String::new(), authorization: None };
        model.sent(0, &sent, at + secs(30));
        model.closed(0, at + secs(1));
    }
}

#[test]
#[should_panic(expected = "of rejected credentials")]
fn control_a_rejected_password_sent_again_is_noticed() {
    let mut model = Model { limit: 6, ..Model::default() };
    model.accounts[0].is_rejected = true;
    let at = Instant::default();
    let sent = Sent { id: RequestId(1), call: Call::SignIn, at, body: String::new(), authorization: None };
    model.sent(0, &sent, at + secs(30));
}

/// The lives that are tried come this far: otherwise the rules above would hold for want of anything happening.
#[test]
fn control_random_lives_reach_every_phase_and_event() {
    let mut runner = TestRunner::deterministic();
    let (mut phases, mut events) = (HashMap::new(), HashMap::new());
    for _ in 0..400 {
        let setup = setups().new_tree(&mut runner).unwrap().current();
        let steps = prop::collection::vec(steps(), 1..80).new_tree(&mut runner).unwrap().current();
        let mut pair = Pair::new(&setup);
        for step in &steps {
            pair.apply(step);
            for driver in &pair.drivers {
                *phases.entry(driver.machine.phase()).or_insert(0) += 1;
            }
        }
        for event in pair.drivers.iter().flat_map(|driver| &driver.events) {
            let name = match event {
                Event::Failed(failure) => format!("{:?}", failure.kind()),
                // A rejected code that the want survives.
                Event::CodeRefused => "MfaRejected".into(),
                other => format!("{other:?}").split([' ', '(']).next().unwrap().to_string(),
            };
            *events.entry(name).or_insert(0) += 1;
        }
    }
    assert_eq!(phases.len(), 9, "{phases:?}");
    for kind in [
        "SignedIn",
        "TokenReplaced",
        "Adopted",
        "SignInNeeded",
        "SignedOut",
        "Rejected",
        "MfaRejected",
        "RefreshRefused",
        "MfaRequired",
        "MustWait",
        "Network",
        "Timeout",
        "UnexpectedAnswer",
    ] {
        assert!(events.get(kind).is_some_and(|count| *count >= 5), "{kind}: {events:?}");
    }
}
