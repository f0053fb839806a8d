//! A request that the machine gave out and the driver did not send: it leaves no trace.

use std::rc::Rc;

use plextrac_auth_core::table::Phase;
use plextrac_auth_core::{Call, Config, InputError, Output, Request};

use crate::driver::scenario::{to_authenticating, to_refreshing, to_reviving};
use crate::driver::{Driver, Server, config, config_with, digits, secs, totp};

#[test]
fn a_sign_in_that_was_not_sent_starts_again() {
    let mut driver = Driver::alone(Server::plain(), sharing(config()));
    driver.machine.want(Default::default()).unwrap();
    not_sent_and_sent_again(&mut driver, Phase::SignedOut, Phase::Authenticating, 0);
    driver.run();
    assert!(driver.usable().is_some());
}

#[test]
fn a_submitted_code_that_was_not_sent_is_sent_later() {
    let mut driver = Driver::alone(Server::with_mfa(), sharing(config()));
    driver.want();
    driver.machine.submit_code(digits("424242"), driver.now()).unwrap();
    not_sent_and_sent_again(&mut driver, Phase::AwaitingCode, Phase::Verifying, 2);
    assert_eq!(driver.sent.last().unwrap().field("token"), "424242");
    driver.run();
    assert!(driver.usable().is_some());
    assert_eq!(driver.count(Call::SignIn), 1, "the challenge was still good");
}

#[test]
fn a_computed_code_that_was_not_sent_is_not_spent() {
    let mut driver = Driver::alone(Server::with_mfa(), sharing(config_with(totp())));
    driver.machine.want(Default::default()).unwrap();
    driver.drain();
    let challenge = crate::driver::reply::challenge("challenge-0");
    let id = driver.out.take().unwrap().id;
    driver.hand_in_under(id, &challenge).unwrap();
    not_sent_and_sent_again(&mut driver, Phase::AwaitingCode, Phase::Verifying, 2);
    let [.., first, second] = &driver.sent[..] else { panic!("two requests") };
    assert_eq!(first.field("token"), second.field("token"), "the code of the same step");
}

#[test]
fn a_refresh_that_was_not_sent_costs_no_token() {
    for (to, before, after) in [
        (to_refreshing as fn(Config) -> Driver, Phase::Active, Phase::Refreshing),
        (to_reviving, Phase::Suspect, Phase::Reviving),
    ] {
        let mut driver = to(sharing(config()));
        let (usable, events) = (driver.usable(), driver.events.len());
        let request = driver.out.take().unwrap();
        driver.machine.handle_not_sent(request.id, driver.now()).unwrap();
        assert_eq!((driver.machine.phase(), driver.usable()), (before, usable));
        assert!(driver.machine.is_wanted());
        driver.drain();
        assert_eq!(driver.machine.phase(), after, "sent again at once: no back-off");
        assert_eq!((used(&driver), driver.events.len()), (2, events));
    }
}

#[test]
fn a_token_that_expired_meanwhile_is_good_for_one_refresh() {
    let mut driver = to_refreshing(sharing(config()));
    let unusable_at = driver.machine.usable_token(driver.now()).unwrap().windows().unusable_at;
    driver.world.pass_until(unusable_at);
    let request = driver.out.take().unwrap();
    driver.machine.handle_not_sent(request.id, driver.now()).unwrap();
    driver.reads_record = false;
    assert!(matches!(driver.drain(), Output::ReadShared));
    assert_eq!(driver.machine.phase(), Phase::Suspect);
}

#[test]
fn only_the_request_that_is_out_can_be_taken_back() {
    let mut driver = to_authenticating(config());
    let request = driver.out.take().unwrap();
    let mut other = to_refreshing(config());
    assert_eq!(other.machine.handle_not_sent(request.id, other.now()), Err(InputError::Stale));
    driver.machine.handle_not_sent(request.id, driver.now()).unwrap();
    assert_eq!(driver.machine.handle_not_sent(request.id, driver.now()), Err(InputError::MustDrain));
    driver.drain();
    assert_eq!(
        driver.machine.handle_not_sent(request.id, driver.now()),
        Err(InputError::Stale),
        "another is out"
    );
    assert!(driver.out.is_some());
}

/// The next request is not sent, as after a write that met a conflict: nothing of it is in the record. `places` are taken in
/// the budget before.
fn not_sent_and_sent_again(driver: &mut Driver, before: Phase, after: Phase, places: u32) {
    let (record, world) = (driver.world.record.borrow().clone(), Rc::clone(&driver.world));
    let (events, sent) = (driver.events.len(), driver.sent.len());
    driver.drain();
    assert_eq!((driver.machine.phase(), driver.sent.len()), (after, sent + 1));
    let with_request = used(driver);
    *world.record.borrow_mut() = record;
    let request: Request = driver.out.take().unwrap();
    driver.machine.handle_not_sent(request.id, driver.now()).unwrap();

    assert_eq!(driver.machine.phase(), before);
    assert!(driver.machine.is_wanted());
    assert!(!driver.machine.is_drained(), "polls follow");
    driver.reads_record = false;
    assert!(matches!(driver.drain(), Output::ReadShared), "what others wrote comes first");
    assert_eq!(used(driver), places, "as before the request");
    world.pass(secs(1));
    driver.reads_record = true;
    driver.machine.handle_shared(Some(&world.record.borrow()), driver.now()).unwrap();
    driver.drain();
    assert_eq!((driver.machine.phase(), driver.sent.len()), (after, sent + 2), "no back-off");
    assert_eq!((used(driver), driver.events.len()), (with_request, events));
}

fn sharing(config: Config) -> Config {
    Config { has_store: true, ..config }
}

fn used(driver: &Driver) -> u32 {
    driver.world.budget.borrow().used(driver.now().monotonic)
}
