//! HTTPS with an authority of the emulator's own.

mod client;

use client::{Client, WHOAMI};
use plextrac_emulator::{Account, Emulator};

#[test]
fn a_client_that_trusts_the_ca_signs_in_by_every_name() {
    let emulator = Emulator::start().unwrap();
    let from_file = std::fs::read_to_string(emulator.ca_file()).unwrap();
    assert_eq!(from_file, emulator.ca_pem());
    for name in ["localhost", "127.0.0.1", "::1"] {
        let mut client = Client::tls(&emulator, name, &from_file).unwrap();
        let token = client.sign_in(&Account::service()).text("token");
        assert_eq!(client.get(WHOAMI, &token).status, 200);
    }
    let stats = emulator.stats();
    assert_eq!((stats.connections.tls, stats.connections.plain), (3, 0));
    assert_eq!(stats.connections.tls_handshakes_failed, 0);
    assert!(emulator.requests().iter().all(|request| request.tls));
}

#[test]
fn a_client_that_trusts_another_ca_does_not_get_through() {
    let emulator = Emulator::start().unwrap();
    let other = Emulator::start().unwrap();
    assert!(Client::tls(&emulator, "localhost", other.ca_pem()).is_err());
    assert!(Client::tls(&emulator, "elsewhere.example", emulator.ca_pem()).is_err());
    Client::tls(&emulator, "localhost", emulator.ca_pem()).unwrap().sign_in(&Account::service());
    drop(other);
    let seen = emulator.requests().len();
    assert_eq!(seen, 1);
}

#[test]
fn both_ports_show_the_same_instance() {
    let emulator = Emulator::start().unwrap();
    let mut secure = Client::tls(&emulator, "localhost", emulator.ca_pem()).unwrap();
    let token = secure.sign_in(&Account::service()).text("token");
    assert_eq!(Client::plain(&emulator).get(WHOAMI, &token).status, 200);
}

#[test]
fn the_ca_file_goes_with_the_emulator() {
    let emulator = Emulator::start().unwrap();
    let path = emulator.ca_file().to_owned();
    assert!(path.exists());
    drop(emulator);
    assert!(!path.exists());
}
