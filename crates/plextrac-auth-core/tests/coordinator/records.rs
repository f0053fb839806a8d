//! The account's record as other builds and other identities leave it.

use plextrac_auth_core::{Config, FailureKind, ImportedToken, OnStoreFailure, RecordKind, StoreConfig};

use crate::driver::{Server, World, config, jwt, secs};
use crate::harness::{LIMITS, OWN, Process, Store, imported, owner, pass, sends_nothing, store_config};

#[test]
fn a_record_of_a_newer_version_is_left_alone() {
    for how in [store_config(1), sends_nothing(1)] {
        let (world, store) = (World::new(Server::plain()), Store::new());
        let newer = br#"{"version":2,"claims":{}}"#.to_vec();
        store.borrow_mut().put(RecordKind::Account, newer);
        let version = store.borrow().version(RecordKind::Account);
        let mut process = Process::with(1, &world, &store, config(), Some(how));
        let caller = process.get();
        assert_eq!(process.failure(caller), FailureKind::Store);
        let Some(Err(failure)) = process.result(caller) else { panic!() };
        assert!(failure.to_string().contains("version 2"), "{failure}");
        let signed_out = process.input(|coordinator, now| coordinator.sign_out(LIMITS, now)).unwrap();
        process.run();
        assert_eq!(process.failure(signed_out), FailureKind::Store);
        let looked = process.input(|coordinator, now| coordinator.look(LIMITS, now)).unwrap();
        process.run();
        assert_eq!(process.failure(looked), FailureKind::Store);
        assert!(process.sent.is_empty());
        assert_eq!(store.borrow().version(RecordKind::Account), version);
        process.assert_idle();
    }
}

#[test]
fn a_newer_version_met_before_a_send_stops_it() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut process = Process::new(1, &world, &store, config());
    let caller = process.need();
    process.settle_until("write", RecordKind::Account);
    store.borrow_mut().put(RecordKind::Account, br#"{"version":2}"#.to_vec());
    process.run();
    assert_eq!(process.failure(caller), FailureKind::Store);
    assert!(process.sent.is_empty());
    process.assert_idle();
}

#[test]
fn one_bad_element_costs_no_other() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    Process::new(1, &world, &store, config()).get();
    for (name, bad) in [
        ("claim", serde_json::json!({"owner": 7})),
        ("rejected", serde_json::json!([1, "zz"])),
        ("doubted", serde_json::json!("x")),
        ("totp_step", serde_json::json!("x")),
        ("refused", serde_json::json!({})),
        ("issued", serde_json::json!([null])),
        ("server_ahead_ms", serde_json::json!([])),
        ("backoff", serde_json::json!(1)),
        ("needs_mfa", serde_json::json!(3)),
        ("clock", serde_json::json!(3)),
        ("rejection_resets", serde_json::json!(-3)),
    ] {
        store.borrow_mut().edit(|record| record[name] = bad.clone());
        let mut process = Process::new(2, &world, &store, config());
        let caller = process.get();
        assert!(process.is_served(caller) && process.sent.is_empty(), "{name}");
    }
    store.borrow_mut().edit(|record| {
        record["tokens"].as_array_mut().unwrap().insert(0, serde_json::json!({"verified": "x", "token": 3}));
    });
    let mut process = Process::new(2, &world, &store, config());
    let caller = process.get();
    assert!(process.is_served(caller) && process.sent.is_empty());
}

#[test]
fn bytes_that_make_no_sense_are_an_empty_record() {
    for bytes in [&b""[..], b"null", b"{", b"[]", b"{\"version\":\"x\"}", b"\xff\xfe"] {
        let (world, store) = (World::new(Server::plain()), Store::new());
        store.borrow_mut().put(RecordKind::Account, bytes.to_vec());
        store.borrow_mut().put(RecordKind::Budget, bytes.to_vec());
        let mut process = Process::new(1, &world, &store, config());
        let caller = process.get();
        assert!(process.is_served(caller), "{bytes:?}");
        assert!(store.borrow().account()["tokens"][0]["token"].is_string());
        process.assert_idle();
    }
}

#[test]
fn unknown_fields_are_written_back() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    Process::new(1, &world, &store, config()).get();
    let unknown = serde_json::json!({"deep": ["x", 1.5, null, {"é\n": "\u{1}"}]});
    store.borrow_mut().edit(|record| {
        record["of_a_newer_build"] = unknown.clone();
        record["tokens"][0]["of_a_newer_build"] = unknown.clone();
    });
    let mut budget = store.borrow().json(RecordKind::Budget);
    budget["of_a_newer_build"] = unknown.clone();
    store.borrow_mut().put(RecordKind::Budget, serde_json::to_vec(&budget).unwrap());
    let mut process = Process::new(2, &world, &store, config());
    process.get();
    process.need_newer();
    process.run();
    assert_eq!(process.sent.len(), 1);
    let record = store.borrow().account();
    assert_eq!(record["of_a_newer_build"], unknown);
    assert_eq!(record["tokens"][0]["of_a_newer_build"], unknown);
    assert_eq!(store.borrow().json(RecordKind::Budget)["of_a_newer_build"], unknown);
}

/// A session of an imported token, which its identity names.
fn with_imported(
    n: u8,
    world: &std::rc::Rc<World>,
    store: &std::rc::Rc<std::cell::RefCell<Store>>,
) -> Process {
    let token = jwt(world.true_unix_ms(), 900, 100 + u64::from(n));
    let config = Config { token: Some(ImportedToken::new(&token).unwrap()), ..config() };
    let how = StoreConfig { identity: imported(n), ..store_config(n) };
    Process::with(n, world, store, config, Some(how))
}

#[test]
fn sessions_of_different_tokens_keep_each_others() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut own = Process::new(1, &world, &store, config());
    let mut other = with_imported(2, &world, &store);
    own.get();
    other.need_newer();
    other.run();
    assert_ne!(own.token(), other.token());
    let tokens = store.borrow().account()["tokens"].clone();
    assert_eq!(tokens.as_array().map(Vec::len), Some(2), "{tokens}");
    let signed_out = other.input(|coordinator, now| coordinator.sign_out(LIMITS, now)).unwrap();
    other.run();
    assert!(other.is_served(signed_out));
    let mut third = Process::new(3, &world, &store, config());
    let caller = third.get();
    assert!(third.is_served(caller) && third.sent.is_empty(), "the account's own token stands");
}

#[test]
fn a_token_that_was_not_verified_is_not_given_to_others() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let identity = plextrac_auth_core::TokenIdentity { verified: false, ..OWN };
    let how = StoreConfig { identity, ..StoreConfig::new(OWN, owner(1)) };
    let mut careless = Process::with(1, &world, &store, config(), Some(how));
    careless.get();
    let mut careful = Process::new(2, &world, &store, config());
    careful.get();
    assert_eq!(careful.sent.len(), 1);
    assert_ne!(careful.token(), careless.token());
}

#[test]
fn at_most_eight_identities_have_a_token() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    for n in 1..=10 {
        let mut session = with_imported(n, &world, &store);
        session.need_newer();
        session.run();
        pass(&mut [&mut session], secs(20));
        assert!(session.sent.len() == 1);
    }
    let tokens = store.borrow().account()["tokens"].clone();
    assert_eq!(tokens.as_array().map(Vec::len), Some(8));
}

#[test]
fn a_record_of_the_largest_tokens_fits() {
    let (world, store) = (World::new(Server::plain()), Store::new());
    let mut process = Process::new(1, &world, &store, config());
    process.get();
    store.borrow_mut().edit(|record| {
        let long = "a".repeat(16 * 1024);
        let mut entry = record["tokens"][0].clone();
        for n in 0..7 {
            entry["imported"] = format!("{n:064x}").into();
            entry["token"] = format!("{n}{long}").into();
            record["tokens"].as_array_mut().unwrap().push(entry.clone());
        }
    });
    process.need_newer();
    process.run();
    let bytes = serde_json::to_vec(&store.borrow().account()).unwrap();
    assert!(bytes.len() <= plextrac_auth_core::MAX_RECORD, "{}", bytes.len());
    assert_eq!(store.borrow().account()["tokens"][0]["token"].as_str(), process.token().as_deref());
    assert_eq!(OnStoreFailure::default(), OnStoreFailure::GoOnAlone);
}
