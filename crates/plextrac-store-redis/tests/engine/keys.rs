//! The operators' keys.

use plextrac_transport::StoreErrorKind;

use crate::harness::{ACCOUNT, LONG, Server, Store, dump, new_key, within};

#[test]
fn a_wrong_key_is_an_error_and_changes_nothing() {
    let server = Server::start();
    let (key, wrong) = (new_key(), new_key());
    let store = Store::open(&server.url(), &key);
    store.put(ACCOUNT, b"account");
    let before = dump(&mut server.client());
    let other = Store::open(&server.url(), &wrong);
    for error in [
        other.key().unwrap_err(),
        other.try_read(ACCOUNT).unwrap_err(),
        other.try_write(ACCOUNT, plextrac_transport::Version::ABSENT, b"x").unwrap_err(),
    ] {
        assert_eq!(error.kind, StoreErrorKind::WrongKey);
        assert!(error.message.contains(&key.id()) && error.message.contains(&wrong.id()), "{error}");
    }
    let mut after = dump(&mut server.client());
    after.sort();
    let mut before = before;
    before.sort();
    assert_eq!(after, before);
}

#[test]
fn programs_that_start_at_once_make_one_key_record() {
    let server = Server::start();
    let key = new_key();
    let keys: Vec<_> = std::thread::scope(|scope| {
        let start = || Store::open(&server.url(), &key).read(ACCOUNT).time.unwrap().clock;
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    // The clock is named after the key record.
    assert!(keys.iter().all(|clock| *clock == keys[0]), "{keys:?}");
}

#[test]
fn a_rotation_keeps_the_records() {
    let server = Server::start();
    let (old, new) = (new_key(), new_key());
    let store = Store::open(&server.url(), &old);
    store.put(ACCOUNT, b"account");
    let names = store.key().unwrap();
    within(LONG, |limits| store.0.add_key(&new, limits)).unwrap();
    within(LONG, |limits| store.0.add_key(&new, limits)).unwrap();
    let rotated = Store::open(&server.url(), &new);
    assert_eq!(rotated.key().unwrap(), names);
    assert_eq!(rotated.read(ACCOUNT).bytes.as_slice(), b"account");
    assert_eq!(within(LONG, |limits| rotated.0.key_ids(limits)).unwrap(), [old.id(), new.id()]);

    // The key that a store was opened with stays, and so does the last one.
    let error = within(LONG, |limits| rotated.0.remove_key(&new, limits)).unwrap_err();
    assert!(error.message.contains("the key that stays"), "{error}");
    within(LONG, |limits| rotated.0.remove_key(&old, limits)).unwrap();
    let error = within(LONG, |limits| rotated.0.remove_key(&old, limits)).unwrap_err();
    assert!(error.message.contains(&old.id()), "{error}");
    let error = within(LONG, |limits| rotated.0.remove_key(&new, limits)).unwrap_err();
    assert!(error.message.contains("this key alone"), "{error}");

    assert_eq!(Store::open(&server.url(), &old).key().unwrap_err().kind, StoreErrorKind::WrongKey);
    // A program that runs on with the old key reads on, and so do programs with the new one.
    rotated.put(ACCOUNT, b"later");
    assert_eq!(store.read(ACCOUNT).bytes.as_slice(), b"later");
}

#[test]
fn after_a_flush_programs_with_one_key_meet_again() {
    let server = Server::start();
    let key = new_key();
    let running = Store::open(&server.url(), &key);
    running.put(ACCOUNT, b"before");
    let _: () = redis::cmd("FLUSHALL").query(&mut server.client()).unwrap();
    let new = Store::open(&server.url(), &key);
    new.put(ACCOUNT, b"after");
    assert_eq!(running.read(ACCOUNT).bytes.as_slice(), b"after");
    assert_eq!(running.key().unwrap(), new.key().unwrap());
}

#[test]
fn after_a_rotation_and_a_flush_the_first_program_decides() {
    let server = Server::start();
    let (old, new) = (new_key(), new_key());
    let first = Store::open(&server.url(), &old);
    first.put(ACCOUNT, b"before");
    within(LONG, |limits| first.0.add_key(&new, limits)).unwrap();
    let running = Store::open(&server.url(), &new);
    running.read(ACCOUNT);

    // A program that ran makes the key record anew, for the names that all use.
    let _: () = redis::cmd("FLUSHALL").query(&mut server.client()).unwrap();
    running.put(ACCOUNT, b"after");
    assert_eq!(Store::open(&server.url(), &new).read(ACCOUNT).bytes.as_slice(), b"after");

    // A program that just started cannot know them.
    let _: () = redis::cmd("FLUSHALL").query(&mut server.client()).unwrap();
    Store::open(&server.url(), &new).put(ACCOUNT, b"after");
    let error = running.try_read(ACCOUNT).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::WrongKey);
    assert!(error.message.contains("start this program again"), "{error}");
}

#[test]
fn a_key_record_of_another_program_is_refused_and_kept() {
    let server = Server::start();
    let mut client = server.client();
    for content in ["thesis", "plextrac-auth key 2\nx", "plextrac-auth key 1\n"] {
        let _: () = redis::cmd("SET").arg("plextrac-auth:keys").arg(content).query(&mut client).unwrap();
        let error = Store::open(&server.url(), &new_key()).key().unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::WrongKey, "{error}");
        let kept: String = redis::cmd("GET").arg("plextrac-auth:keys").query(&mut client).unwrap();
        assert_eq!(kept, content);
    }
}
