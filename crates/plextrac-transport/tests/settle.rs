//! What a program does that is about to end.

mod stage;

use std::time::Duration;

use plextrac_emulator::{Emulator, Kind};
use plextrac_transport::Session;
use stage::{EARLY, Stage};

#[test]
fn a_background_refresh_ends_before_the_program_does() {
    let stage = Stage::with(|_| Emulator::builder().frozen_clock().refresh_delay(Duration::from_millis(200)));
    let session = Session::new(&stage.service()).unwrap();
    session.settle();
    assert_eq!(stage.emulator.stats().authentication_requests(), 0, "nothing is begun by it");
    session.login().unwrap();
    stage.advance(EARLY);
    let old = session.authorization().unwrap();
    session.settle();
    assert!(!session.authorization().unwrap().matches(old.expose()));
    assert_eq!(stage.emulator.stats().of_kind(Kind::Refresh), 1);
}
