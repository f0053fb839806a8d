//! Sessions of one account that tell each other through a store.
//!
//! The store is one record; as with a lock held around each flight, one session at a time is driven to
//! its end. That a record is kept before every send is checked by the driver itself.

use std::rc::Rc;

use plextrac_auth_core::table::Phase;
use plextrac_auth_core::{
    Call, Config, Credentials, Event, FailureKind, Fingerprint, FingerprintKey, ImportedToken, InputError,
    MfaSource, Output, Secret, SharedRecord, SharedToken, Stamp, UnixTime, Urgency, Verdict, WaitReason,
    Want,
};

use crate::driver::{
    Driver, PASSWORD, Server, TOTP, USER, World, config, config_with, digits, jwt, ms, reply, secs, totp,
    totp_of, wait_of,
};

#[test]
fn every_new_token_is_kept() {
    let mut driver = sharing(&World::new(Server::plain()), config());
    driver.want();
    assert_eq!(shared_token(&driver.world), driver.usable());
    driver.want_fresh();
    assert_eq!(shared_token(&driver.world), driver.usable());
    driver.machine.sign_out(driver.now()).unwrap();
    driver.drain();
    assert_eq!(shared_token(&driver.world), None);
}

#[test]
fn a_token_in_the_record_is_taken_over_and_nothing_is_sent() {
    let world = World::new(Server::plain());
    let (mut first, mut second) = (sharing(&world, config()), sharing(&world, config()));
    first.want();
    world.pass(secs(300));
    second.want();
    assert_eq!(second.usable(), first.usable());
    assert!(matches!(second.events[..], [Event::Adopted { .. }]));
    let windows = second.machine.usable_token(second.now()).unwrap().windows();
    assert_eq!(windows.sent, first.sent[0].at, "its age came with it");
    assert!(second.sent.is_empty());
}

#[test]
fn two_sessions_with_one_record_refresh_once_for_both() {
    let world = World::new(Server::plain());
    let mut sessions = [sharing(&world, config()), sharing(&world, config())];
    for second in 0..3 * 3600 {
        sessions[second % 2].want();
        sessions[second % 2].usable().unwrap();
        world.pass(secs(1));
    }
    let count = |call| sessions.iter().map(|session| session.count(call)).sum::<usize>();
    assert_eq!(count(Call::SignIn), 1);
    let refreshes = count(Call::Refresh);
    assert!((16..=18).contains(&refreshes), "one for every ten to eleven minutes: {refreshes}");
}

#[test]
fn two_sessions_with_one_record_and_budget_sign_in_once() {
    let world = World::new(Server::with_mfa());
    let mut first = sharing(&world, config_with(totp()));
    let mut second = sharing(&world, config_with(totp()));
    for _ in 0..600 {
        first.want_at_once();
        second.want_at_once();
        assert!(first.usable().is_some() && first.usable() == second.usable());
        world.pass(secs(1));
    }
    assert_eq!(world.server.borrow().seen.len(), 2);
}

#[test]
fn a_token_of_doubtful_age_is_used_for_one_refresh_alone() {
    let world = World::new(Server::plain());
    share(&world, "old.to.ken", "another-boot");
    let mut driver = sharing(&world, config());
    driver.machine.want(Want::default()).unwrap();
    driver.drain();
    assert_eq!(driver.machine.phase(), Phase::Reviving);
    assert_eq!(driver.usable(), None);
    assert_eq!(driver.sent[0].authorization.as_deref(), Some("old.to.ken"));
    driver.run();
    assert!(driver.usable().is_some());
    assert_eq!(driver.sent.len(), 1);
}

#[test]
fn in_its_last_seconds_a_shared_token_is_refreshed() {
    for (age, expected) in [
        (secs(885), vec![Call::Refresh]),
        (secs(890), vec![Call::Refresh]),
        (ms(898_700), vec![Call::Refresh]),
        (secs(899), vec![Call::SignIn]),
    ] {
        let world = World::new(Server::plain());
        sharing(&world, config()).want();
        world.pass(age);
        let mut late = sharing(&world, config());
        late.want();
        assert_eq!(late.sent.iter().map(|sent| sent.call).collect::<Vec<_>>(), expected, "{age:?}");
        assert!(late.usable().is_some());
    }
}

#[test]
fn a_shared_token_in_its_last_seconds_is_handed_to_nobody() {
    let world = World::new(Server::plain());
    sharing(&world, config()).want();
    world.pass(secs(891));
    let mut late = sharing(&world, config());
    late.machine.want(Want::default()).unwrap();
    late.drain();
    assert_eq!((late.machine.phase(), late.usable()), (Phase::Reviving, None));
    let mut third = sharing(&world, config());
    third.machine.want(Want::default()).unwrap();
    third.drain();
    assert_eq!(third.usable(), None);
    assert_ne!(world.record.borrow().token.as_ref().unwrap().stamp.boot, "", "its age stays known");
    late.hand_in(reply::json(503, ""));
    world.pass(secs(8));
    late.want();
    assert_eq!(late.sent.last().unwrap().call, Call::SignIn, "it ended");
}

#[test]
fn a_token_of_doubtful_age_stays_doubtful_in_the_record() {
    let world = World::new(Server::plain());
    share(&world, "old.to.ken", "another-boot");
    let mut first = sharing(&world, config());
    first.machine.want(Want::default()).unwrap();
    first.drain();
    // The first session dies here, its refresh unanswered; the record is what it left behind.
    let mut second = sharing(&world, config());
    second.machine.want(Want::default()).unwrap();
    second.drain();
    assert_eq!(second.usable(), None, "nobody hands it out");
    assert_eq!(second.machine.phase(), Phase::Reviving);
}

#[test]
fn an_imported_token_past_its_exp_is_not_shared_as_live() {
    let world = World::new(Server::plain());
    let past = jwt(world.true_unix_ms() - 1_000_000, 900, 0);
    let ready = Config { token: Some(ImportedToken::new(&past).unwrap()), ..config() };
    let mut first = sharing(&world, ready);
    first.machine.want(Want::default()).unwrap();
    first.drain();
    assert_eq!(shared_token(&world), Some(past), "control: it was written down");
    let mut second = sharing(&world, config());
    second.machine.want(Want::default()).unwrap();
    second.drain();
    assert_eq!((second.usable(), second.machine.phase()), (None, Phase::Reviving));
}

#[test]
fn a_token_answered_with_401_is_not_shared_as_live() {
    let world = World::new(Server::plain());
    let mut first = sharing(&world, config());
    first.want();
    first.unauthorized();
    first.machine.want(Want::default()).unwrap();
    first.drain();
    assert_eq!(first.count(Call::Refresh), 1);
    let mut second = sharing(&world, config());
    second.machine.want(Want::default()).unwrap();
    second.drain();
    assert_eq!((second.usable(), second.machine.phase()), (None, Phase::Reviving));
}

#[test]
fn a_dead_token_is_not_taken_over_again_while_the_sign_in_waits() {
    let world = World::new(Server::with_mfa());
    world.server.borrow_mut().refuses_refresh = true;
    let mut driver = sharing(&world, config_with(totp()));
    driver.want();
    driver.unauthorized();
    let dead = world.record.borrow().clone();
    // The TOTP step is spent: the refresh is refused at once, and the sign-in has to wait.
    let mut last = driver.want();
    for _ in 0..4 {
        assert!(matches!(last, Output::Wait { reason: WaitReason::TotpStep, .. }), "{last:?}");
        assert_eq!(driver.usable(), None);
        // Another session that does not know writes it down once more.
        *world.record.borrow_mut() = dead.clone();
        driver.pass(secs(1));
        last = driver.run();
    }
    assert_eq!(driver.count(Call::Refresh), 1);
    driver.pass(wait_of(&last, driver.now()));
    driver.run();
    assert_eq!(driver.count(Call::SignIn), 2);
}

#[test]
fn a_newer_token_in_the_record_is_tried_before_a_refresh() {
    let world = World::new(Server::plain());
    let (mut first, mut second) = (sharing(&world, config()), sharing(&world, config()));
    first.want();
    second.want();
    world.pass(secs(5));
    first.want_fresh();
    second.unauthorized();
    second.want();
    assert_eq!(second.usable(), first.usable());
    assert!(second.sent.is_empty());
}

#[test]
fn a_401_on_an_adopted_token_still_starts_a_refresh() {
    let world = World::new(Server::plain());
    let (mut first, mut second) = (sharing(&world, config()), sharing(&world, config()));
    first.want();
    second.want();
    first.want_fresh();
    second.unauthorized();
    second.want();
    assert_eq!(second.unauthorized(), Verdict::Renew, "that token was not made because of the 401");
    second.want();
    assert_eq!(second.count(Call::Refresh), 1);
    assert_eq!(second.unauthorized(), Verdict::Final);
}

#[test]
fn a_token_that_was_answered_with_401_is_not_taken_over_again() {
    let world = World::new(Server::plain());
    let (mut first, mut second) = (sharing(&world, config()), sharing(&world, config()));
    first.want();
    second.want();
    let rejected = second.usable().unwrap();
    first.want_fresh();
    second.unauthorized();
    second.want();
    let newer = second.usable();
    world.pass(secs(120));
    // Somebody who has not heard of it writes it down with a longer life than the newer one has left.
    share(&world, &rejected, "boot-1");
    second.want();
    assert_eq!(second.usable(), newer);
    share(&world, "another.to.ken", "boot-1");
    second.want();
    assert_eq!(second.usable().as_deref(), Some("another.to.ken"), "control: any other is");
}

#[test]
fn a_rejection_holds_for_the_same_credentials_only() {
    let world = World::new(Server::plain());
    let mut first = sharing(&world, with_password("wrong"));
    first.want();
    let mut same = sharing(&world, with_password("wrong"));
    same.want();
    assert_eq!(same.last_failure_kind(), FailureKind::Rejected);
    assert!(same.sent.is_empty() && same.machine.is_locked_out());
    let mut other = sharing(&world, config());
    other.want();
    assert!(other.usable().is_some());
}

#[test]
fn a_rejection_cleared_elsewhere_is_cleared_here() {
    let world = World::new(Server::plain());
    let mut first = sharing(&world, with_password("wrong"));
    let mut second = sharing(&world, with_password("wrong"));
    first.want();
    second.want();
    first.machine.forget_rejection(first.now()).unwrap();
    first.drain();
    world.server.borrow_mut().password = "wrong".into();
    second.want();
    assert!(second.usable().is_some());
}

#[test]
fn two_sessions_with_two_wrong_passwords_send_each_once() {
    let world = World::new(Server::plain());
    let mut first = sharing(&world, with_password("wrong"));
    let mut second = sharing(&world, with_password("wronger"));
    for _ in 0..20 {
        first.want();
        second.want();
        world.pass(secs(60));
    }
    assert_eq!((first.sent.len(), second.sent.len()), (1, 1));
}

#[test]
fn a_wrong_password_stays_rejected_after_a_shared_token() {
    let world = World::new(Server::plain());
    let mut wrong = sharing(&world, with_password("wrong"));
    wrong.want();
    sharing(&world, config()).want();
    wrong.want();
    assert!(wrong.usable().is_some(), "the token of the account serves all its sessions");
    wrong.want_fresh();
    assert_eq!(wrong.count(Call::Refresh), 1, "a refresh says nothing about the password");
    world.pass(secs(3600));
    wrong.want();
    assert_eq!(wrong.last_failure_kind(), FailureKind::Rejected);
    assert_eq!(wrong.count(Call::SignIn), 1);
}

#[test]
fn a_doubted_secret_is_a_count_and_not_a_rejection() {
    let world = World::new(Server::with_mfa());
    // Codes of another time are all wrong.
    world.server.borrow_mut().ahead_ms = 600_000;
    sharing(&world, config_with(totp())).want();
    let doubted = world.record.borrow().doubted;
    assert_eq!(doubted.map(|(_, count)| count), Some(1));
    assert!(world.record.borrow().rejected.is_empty());

    let mut other_secret = sharing(&world, config_with(totp_of("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")));
    other_secret.want_at_once();
    other_secret.machine.forget_rejection(other_secret.now()).unwrap();
    other_secret.drain();
    assert_eq!(world.record.borrow().doubted, doubted, "a doubt about another secret stays");

    world.pass(secs(60));
    let mut last = sharing(&world, config_with(totp()));
    last.want();
    assert!(last.machine.is_locked_out(), "the second one in a row, in another process");
    assert_eq!(last.count(Call::Mfa), 1);
}

#[test]
fn a_totp_step_spent_elsewhere_is_not_spent_again() {
    let world = World::new(Server::with_mfa());
    let mut first = sharing(&world, config_with(totp()));
    first.want();
    first.machine.sign_out(first.now()).unwrap();
    first.drain();
    let mut second = sharing(&world, config_with(totp()));
    let last = second.want();
    assert!(matches!(last, Output::Wait { reason: WaitReason::TotpStep, .. }), "{last:?}");
    assert!(second.sent.is_empty());
}

#[test]
fn a_challenge_that_is_dropped_keeps_nobody_waiting() {
    let world = World::new(Server::with_mfa());
    let mut first = sharing(&world, config_with(MfaSource::Asked));
    first.want();
    first.machine.abandon_mfa().unwrap();
    first.drain();
    for session in [&mut first, &mut sharing(&world, config_with(MfaSource::Asked))] {
        assert!(matches!(session.want(), Output::NeedCode { .. }));
        session.machine.abandon_mfa().unwrap();
        session.drain();
    }
}

#[test]
fn dropping_a_challenge_overwrites_nothing_of_others() {
    let world = World::new(Server::with_mfa());
    let mut first = sharing(&world, config_with(MfaSource::Asked));
    first.want();
    world.pass(secs(31));
    let mut second = sharing(&world, config_with(totp()));
    second.want();
    first.machine.abandon_mfa().unwrap();
    first.drain();
    assert_eq!(shared_token(&world), second.usable());
    assert!(second.usable().is_some());
}

#[test]
fn a_token_that_comes_during_typing_is_used() {
    let world = World::new(Server::with_mfa());
    let mut first = sharing(&world, config_with(MfaSource::Asked));
    first.want();
    world.pass(secs(31));
    let mut second = sharing(&world, config_with(totp()));
    second.want();
    first.submit("424242");
    assert_eq!(first.usable(), second.usable());
    assert!(first.usable().is_some());
    assert_eq!(first.count(Call::Mfa), 0);
    assert_eq!(shared_token(&world), second.usable());
}

#[test]
fn a_second_question_is_not_asked_if_a_token_came_meanwhile() {
    let world = World::new(Server::with_mfa());
    let mut driver = sharing(&world, config_with(MfaSource::Asked));
    driver.want();
    driver.machine.submit_code(digits("111111"), driver.now()).unwrap();
    driver.drain();
    share(&world, "another.to.ken", "boot-1");
    driver.hand_in(reply::rejected());
    assert_eq!(driver.usable().as_deref(), Some("another.to.ken"));
    assert_eq!(driver.count(Call::SignIn), 1);
}

#[test]
fn a_record_with_a_token_that_cannot_be_sent_is_not_believed() {
    for text in ["", "a b", "a\r\nX-Evil: 1", "tökén", &"x".repeat(20_000)] {
        let world = World::new(Server::plain());
        share(&world, text, "boot-1");
        let mut driver = sharing(&world, config());
        driver.want();
        assert_eq!(driver.count(Call::SignIn), 1, "{text:?}");
        assert!(driver.usable().is_some());
    }
}

#[test]
fn what_was_read_before_signing_out_is_not_used_after_it() {
    let world = World::new(Server::plain());
    sharing(&world, config()).want();
    let mut driver = sharing(&world, config());
    driver.reads_record = false;
    driver.machine.want(Want::default()).unwrap();
    assert!(matches!(driver.drain(), Output::ReadShared));
    let read_before = world.record.borrow().clone();
    driver.machine.sign_out(driver.now()).unwrap();
    driver.drain();
    let now = driver.now();
    assert_eq!(driver.machine.handle_shared(Some(&read_before), now), Err(InputError::WrongState));
    assert_eq!(driver.usable(), None);
}

#[test]
fn a_record_that_cannot_be_read_is_none() {
    let world = World::new(Server::plain());
    let mut driver = sharing(&world, config());
    driver.reads_record = false;
    driver.machine.want(Want::default()).unwrap();
    driver.drain();
    driver.machine.handle_shared(None, driver.now()).unwrap();
    driver.run();
    assert!(driver.usable().is_some());
}

#[test]
fn no_secret_but_token_and_cookie_is_in_a_record() {
    let world = World::new(Server::with_mfa());
    let mut driver = sharing(&world, config_with(totp()));
    driver.want();
    let record = world.record.borrow();
    let token = record.token.as_ref().unwrap();
    let rejected: Vec<Vec<u8>> = record.rejected.iter().copied().map(Vec::from).collect();
    let all = format!("{} {} {rejected:?} {record:?}", token.token.expose(), token.stamp.boot);
    assert!(all.contains(driver.usable().unwrap().as_str()), "control");
    for secret in [USER, PASSWORD, TOTP, &driver.sent[1].field("token")] {
        assert!(!all.contains(secret), "{secret}");
    }
}

fn sharing(world: &Rc<World>, config: Config) -> Driver {
    let config = Config { has_store: true, ..config };
    Driver::new(world, config)
}

fn with_password(password: &str) -> Config {
    let mut config = config();
    config.credentials = Some(Credentials::new(USER, password).unwrap());
    config
}

fn shared_token(world: &World) -> Option<String> {
    let record = world.record.borrow();
    record.token.as_ref().map(|token| token.token.expose().to_string())
}

/// A token in the record, asked for a minute ago by the clocks of `boot`; those of another boot disagree.
fn share(world: &World, token: &str, boot: &str) {
    let now = world.now();
    *world.record.borrow_mut() = SharedRecord {
        token: Some(SharedToken {
            token: Secret::new(token),
            cookie: None,
            tenant_id: Some(0),
            life_ms: 899_000,
            replaced_unauthorized_at: None,
            stamp: Stamp {
                boot: boot.into(),
                monotonic: now.monotonic.earlier_by(secs(60)),
                unix: UnixTime::from_millis(now.unix.as_millis() - 3_600_000),
            },
        }),
        ..SharedRecord::default()
    };
}

#[test]
fn a_wrong_totp_secret_is_tried_twice_by_all_sessions_together() {
    let world = World::new(Server::with_mfa());
    // Codes of another time are all wrong.
    world.server.borrow_mut().ahead_ms = 600_000;
    let mut sent = 0;
    for _ in 0..10 {
        world.pass(secs(120));
        let mut fresh = sharing(&world, config_with(totp()));
        fresh.want();
        fresh.run();
        sent += fresh.count(Call::Mfa);
    }
    assert_eq!(sent, 2);

    world.server.borrow_mut().ahead_ms = 0;
    let mut allowed = sharing(&world, config_with(totp()));
    let record = world.record.borrow().clone();
    allowed.machine.look_at(Some(&record), world.now()).unwrap();
    allowed.drain();
    allowed.machine.forget_rejection(allowed.now()).unwrap();
    allowed.drain();
    allowed.want();
    allowed.run();
    assert!(allowed.usable().is_some());
}

#[test]
fn a_new_sign_in_leaves_the_shared_token_until_it_has_another() {
    let world = World::new(Server::plain());
    let mut first = sharing(&world, config());
    first.want();
    let before = shared_token(&world).unwrap();

    let mut wrong = sharing(&world, Config { ignore_shared_token: true, ..with_password("wrong") });
    wrong.want();
    assert_eq!(wrong.last_failure_kind(), FailureKind::Rejected);
    assert_eq!(shared_token(&world), Some(before.clone()), "a refused sign-in takes nothing from others");

    let mut right = sharing(&world, Config { ignore_shared_token: true, ..config() });
    right.want();
    assert_eq!(right.count(Call::SignIn), 1);
    assert_eq!(shared_token(&world), right.usable());
    assert_ne!(shared_token(&world), Some(before));
    right.want_fresh();
    assert_eq!((right.count(Call::SignIn), right.count(Call::Refresh)), (1, 1), "once is enough");
}

#[test]
fn signing_out_drops_a_shared_token_that_was_ignored() {
    let world = World::new(Server::plain());
    sharing(&world, config()).want();
    let mut anew = sharing(&world, Config { ignore_shared_token: true, ..config() });
    let record = world.record.borrow().clone();
    anew.machine.look_at(Some(&record), anew.now()).unwrap();
    anew.drain();
    anew.machine.sign_out(anew.now()).unwrap();
    anew.drain();
    assert_eq!(shared_token(&world), None);
}

#[test]
fn an_imported_token_gives_way_to_the_shared_one() {
    for ahead in [0, -600_000, 86_400_000] {
        let world = World::new(Server::plain());
        world.pass(secs(3_600));
        world.set_wall_clock_ahead(ahead);
        let token = |age_s: i64| jwt(world.true_unix_ms() - age_s * 1_000, 900, 7);
        let ready = ImportedToken::new(&token(300)).unwrap();
        let mut later = sharing(&world, Config { token: Some(ready), ..config() });
        share(&world, &token(60), &later.machine.config().boot);
        later.want();
        assert_eq!(later.usable(), Some(token(60)), "wall clock ahead by {ahead} ms");
        assert!(later.sent.is_empty());
    }
}

#[test]
fn how_far_the_clocks_are_apart_is_told_to_the_next_session() {
    let world = World::new(Server::with_mfa());
    world.server.borrow_mut().sends_date = true;
    world.set_wall_clock_ahead(-100_000);
    let mut first = sharing(&world, config_with(totp()));
    first.want();
    assert_eq!(first.count(Call::Mfa), 1);
    first.machine.sign_out(first.now()).unwrap();
    first.drain();
    // The next step by the server's clock; by this machine's, the spent one is still to come.
    world.pass(secs(30));
    let mut second = sharing(&world, config_with(totp()));
    second.want();
    assert!(second.usable().is_some(), "sent at once, and right");
    assert_eq!(second.sent.len(), 2);
}

#[test]
fn a_long_lived_session_keeps_the_newest_tokens_in_the_list() {
    let world = World::new(Server::plain());
    let mut long_lived = sharing(&world, config());
    let mut tokens = Vec::new();
    for _ in 0..8 {
        long_lived.want_fresh();
        tokens.push(long_lived.usable().unwrap());
        world.pass(secs(60));
    }
    let mut other = sharing(&world, config());
    other.want();
    for _ in 0..3 {
        other.want_fresh();
        tokens.push(other.usable().unwrap());
        world.pass(secs(60));
    }
    // The long-lived session writes: what it knows of its own tokens is older than what the other wrote.
    long_lived.want();
    long_lived.want_fresh();
    tokens.push(long_lived.usable().unwrap());
    let mut newest_first = world.record.borrow().issued.clone();
    for token in tokens.iter().rev().take(8) {
        assert!(sees(&world, token), "one of the last eight");
        assert_eq!(newest_first.remove(0), print_of(token));
    }
    assert!(newest_first.is_empty());
    assert!(!sees(&world, &tokens[0]), "control: there are more than eight");
}

#[test]
fn disjoint_lists_of_tokens_are_merged_newest_first() {
    let world = World::new(Server::plain());
    let mut driver = sharing(&world, config());
    driver.want();
    let own = driver.usable().unwrap();
    let foreign: Vec<_> = (1..=8).map(|n| print_of(&format!("foreign.{n}"))).collect();
    world.record.borrow_mut().issued = foreign.clone();
    world.record.borrow_mut().token = None;
    driver.machine.want(Want::default()).unwrap();
    driver.drain();
    driver.want_fresh();
    let (new, issued) = (driver.usable().unwrap(), world.record.borrow().issued.clone());
    assert_eq!(issued[..2], [print_of(&new), print_of(&own)], "got here");
    assert_eq!(issued[2..], foreign[..6]);
}

/// Whether a session that starts now recognises a token.
fn sees(world: &Rc<World>, token: &str) -> bool {
    let mut session = sharing(world, config());
    session.machine.look_at(Some(&world.record.borrow()), session.now()).unwrap();
    session.machine.knows_token(token)
}

fn print_of(token: &str) -> Fingerprint {
    FingerprintKey::new([7; 32]).of(&[token.as_bytes()])
}

#[test]
fn the_urgency_of_a_want_follows_the_token_in_hand() {
    let world = World::new(Server::plain());
    let mut driver = sharing(&world, config());
    let urgency = |driver: &Driver| driver.machine.urgency(driver.now());
    assert_eq!(urgency(&driver), Urgency::Served, "nothing is wanted");
    driver.want();
    driver.reads_record = false;
    for (age, expected) in [(0, Urgency::Served), (665, Urgency::Due), (180, Urgency::Late)] {
        world.pass(secs(age));
        driver.machine.want(Want::default()).unwrap();
        driver.drain();
        assert_eq!(urgency(&driver), expected, "{age} s later");
    }
    let mut fresh = sharing(&world, config());
    fresh.want();
    fresh.reads_record = false;
    fresh.machine.want(Want { fresh: true, deadline: None }).unwrap();
    fresh.drain();
    assert_eq!(urgency(&fresh), Urgency::Pressing);
}
