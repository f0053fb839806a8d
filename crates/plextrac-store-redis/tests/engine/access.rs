//! Who may talk to the engine, and how: users, passwords, TLS.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use plextrac_store_redis::{RedisOptions, RedisStore};
use plextrac_transport::{Watched, store_conformance};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::harness::{ACCOUNT, LONG, Server, Store, new_key, wait_for};

/// The ACL rule in the crate's documentation.
fn documented_rule() -> Vec<String> {
    let documentation = include_str!("../../src/lib.rs");
    let begins = documentation.find("ACL SETUSER fleet").unwrap();
    let rule = &documentation[begins..];
    let rule = &rule[..rule.find("```").unwrap()];
    let words = rule.replace("//!", " ").replace("PASSWORD", "word");
    words.split_whitespace().skip(2).map(str::to_owned).collect()
}

fn set_user(server: &Server, rule: &[String]) {
    let mut command = redis::cmd("ACL");
    command.arg("SETUSER");
    for word in rule {
        command.arg(word);
    }
    let _: () = command.query(&mut server.client()).unwrap();
}

fn refusals(server: &Server) -> Vec<redis::Value> {
    redis::cmd("ACL").arg("LOG").query(&mut server.client()).unwrap()
}

#[test]
fn the_documented_user_may_do_all_that_is_done() {
    let server = Server::start();
    set_user(&server, &documented_rule());
    let (url, key) = (format!("redis://fleet:word@127.0.0.1:{}/2", server.port), new_key());
    store_conformance::check(&|| Arc::new(RedisStore::open(&url, &key, RedisOptions::default()).unwrap()));
    let refusals = refusals(&server);
    assert!(refusals.is_empty(), "{refusals:?}");
}

#[test]
fn every_right_of_the_documented_user_is_needed() {
    let server = Server::start();
    let (url, key) = (format!("redis://fleet:word@127.0.0.1:{}/2", server.port), new_key());
    let rule = documented_rule();
    let rights: Vec<_> = rule.iter().filter(|word| word.starts_with(['+', '~', '&'])).collect();
    assert!(rights.len() > 10, "{rule:?}");
    for right in rights {
        // It is asked after ten seconds without a message, and at the end of a connection.
        if ["+ping", "+unsubscribe", "+punsubscribe"].contains(&right.as_str()) {
            continue;
        }
        let mut fewer = vec!["fleet".to_owned(), "reset".to_owned()];
        fewer.extend(rule.iter().skip(1).filter(|word| *word != right).cloned());
        set_user(&server, &fewer);
        let _: () = redis::cmd("ACL").arg("LOG").arg("RESET").query(&mut server.client()).unwrap();
        let store = Store::open(&url, &key);
        let outcome = store.try_read(ACCOUNT).and_then(|record| {
            store.try_write(ACCOUNT, record.version, b"x")?;
            let known = store.try_read(ACCOUNT)?.version;
            assert_eq!(store.watch(ACCOUNT, known, Duration::from_millis(200)), Watched::Over);
            Ok(())
        });
        match outcome {
            // Watches work without notices, and slower.
            Ok(()) => assert_eq!(right, "+subscribe"),
            Err(error) => {
                assert!(error.message.contains("allow the commands"), "without {right}: {error}");
                assert!(!error.message.contains("word"), "{error}");
            }
        }
        assert!(!refusals(&server).is_empty(), "{right}");
    }
}

#[test]
fn a_wrong_password_is_an_error_that_does_not_repeat_it() {
    let server = Server::with(&["--requirepass", "right"]);
    let mut store = Store::open(&format!("redis://:hunter2@127.0.0.1:{}", server.port), &new_key());
    let error = store.try_read(ACCOUNT).unwrap_err();
    assert!(error.message.contains("refused the call") && !error.message.contains("hunter2"), "{error}");
    store = Store::open(&server.url(), &new_key());
    let error = store.try_read(ACCOUNT).unwrap_err();
    assert!(error.message.contains("refused the call"), "{error}");
    store = Store::open(&format!("redis://:right@127.0.0.1:{}", server.port), &new_key());
    store.put(ACCOUNT, b"x");
}

/// A certificate authority, and a server that shows a certificate of it.
struct Tls {
    server: Server,
    port: u16,
    ca: PathBuf,
    _directory: tempfile::TempDir,
}

impl Tls {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let ca_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        fs::write(path("ca.pem"), authority.self_signed(&ca_key).unwrap().pem()).unwrap();
        let issuer = Issuer::new(authority, ca_key);
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer);
        fs::write(path("certificate.pem"), certificate.unwrap().pem()).unwrap();
        fs::write(path("key.pem"), key.serialize_pem()).unwrap();
        let port = crate::harness::free_port();
        let file = |name: &str| path(name).to_str().unwrap().to_owned();
        let server = Server::with(&[
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &file("certificate.pem"),
            "--tls-key-file",
            &file("key.pem"),
            "--tls-ca-cert-file",
            &file("ca.pem"),
            "--tls-auth-clients",
            "no",
        ]);
        Self { server, port, ca: path("ca.pem"), _directory: directory }
    }
}

#[test]
fn a_store_speaks_tls_with_the_authority_of_a_file() {
    let tls = Tls::start();
    let key = new_key();
    let url = format!("rediss://127.0.0.1:{}?ca-file={}", tls.port, tls.ca.display());
    let (store, waiter) = (Store::open(&url, &key), Store::open(&url.replace("rediss", "valkeys"), &key));
    let version = store.put(ACCOUNT, b"account");
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| waiter.watch(ACCOUNT, version, LONG));
        let mut client = tls.server.client();
        wait_for(|| {
            let channels: Vec<String> = redis::cmd("PUBSUB").arg("CHANNELS").query(&mut client).unwrap();
            channels.len() == 2
        });
        store.put(ACCOUNT, b"changed");
        assert_eq!(watching.join().unwrap(), Watched::Changed);
    });
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused() {
    let (tls, other) = (Tls::start(), Tls::start());
    for query in [String::new(), format!("?ca-file={}", other.ca.display())] {
        let store = Store::open(&format!("rediss://127.0.0.1:{}{query}", tls.port), &new_key());
        let error = store.try_read(ACCOUNT).unwrap_err();
        assert!(
            error.message.contains("cannot be reached") && error.message.contains("certificate"),
            "{error}"
        );
    }
    // Its certificate is for another name.
    let url = format!("rediss://localhost:{}?ca-file={}", tls.port, tls.ca.display());
    let error = Store::open(&url, &new_key()).try_read(ACCOUNT).unwrap_err();
    assert!(error.message.contains("certificate"), "{error}");
}
