//! Processes that are killed: what they leave behind, and what it costs the others.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use plextrac_emulator::{Emulator, Kind, Target};

use crate::child::Settings;
use crate::stage::{LONGEST_WAIT, private_directory};
use crate::tests;

tests! {
    the_claim_of_a_killed_process_is_taken_over_at_once
    a_process_killed_while_it_refreshes_costs_no_sign_in
    five_hundred_kills_leave_whole_records
}

fn the_claim_of_a_killed_process_is_taken_over_at_once() {
    let (emulator, directory) = (Emulator::start().unwrap(), private_directory());
    let settings = Settings::service(&emulator, directory.path());
    let held = emulator.hold(Target::SignIn);
    let (mut killed, mut next) = (settings.start(), settings.start());
    killed.tell("login");
    assert!(emulator.wait_for(LONGEST_WAIT, |seen| seen.len() == 1));
    next.tell("login");
    next.await_sleep();
    let began = Instant::now();
    killed.kill();
    assert!(emulator.wait_for(LONGEST_WAIT, |seen| seen.len() == 2), "the claim ended with its holder");
    println!("the next process sent its sign-in {:?} after the kill", began.elapsed());
    held.release();
    let reply = next.reply().unwrap();
    assert_eq!(reply.budget_used, 3, "the one that was lost, its own, and no place held for six digits");
    assert_eq!(emulator.stats().authentication_requests(), 2);
}

fn a_process_killed_while_it_refreshes_costs_no_sign_in() {
    let (emulator, directory) = (Emulator::start().unwrap(), private_directory());
    let settings = Settings::service(&emulator, directory.path());
    let old = settings.start().order("login").unwrap().token;
    let held = emulator.hold(Target::Refresh);
    let mut killed = settings.start();
    killed.order("login").unwrap();
    killed.tell("refresh");
    assert!(emulator.wait_for(LONGEST_WAIT, |seen| seen.iter().any(|request| request.kind == Kind::Refresh)));
    killed.kill();
    assert_eq!(settings.start().order("login").unwrap().token, old, "the old token lives");
    held.release();
    assert_eq!(emulator.stats().of_kind(Kind::SignIn), 1);
}

/// Kills spread evenly over what a process does from its first order on.
const KILLS: u32 = 500;
const SPREAD: Duration = Duration::from_millis(30);

fn five_hundred_kills_leave_whole_records() {
    let emulator = Emulator::builder().limit_per_minute(1_000_000).keep_requests(0).start().unwrap();
    let directory = private_directory();
    let mut settings = Settings::service(&emulator, directory.path());
    let (mut whole, mut unfinished, mut signed_in) = (0, 0, 0);
    for number in 0..KILLS {
        // Each has a budget of its own: what the one before sent is over a minute old.
        settings.ahead_ms += 130_000;
        let mut process = settings.start();
        process.order("hello").unwrap();
        process.tell("loop");
        thread::park_timeout(SPREAD * number / KILLS);
        process.kill();
        let found = look_into(directory.path());
        whole += found.records;
        unfinished += found.unfinished;
        settings.ahead_ms += 65_000;
        let (session, told) = settings.session(&settings.clock()).unwrap();
        session.login().unwrap_or_else(|error| panic!("after kill {number}: {error:?}"));
        // Not by the server's count: what the killed one had written to its socket may still arrive.
        let cost = session.counters().sign_ins_sent;
        assert!(cost <= 1, "kill {number} cost {cost} sign-ins");
        signed_in += cost;
        let told = told.lock().unwrap();
        assert!(!told.iter().any(|event| event.contains("nothing is shared")), "{told:?}");
    }
    println!(
        "{KILLS} kills: {whole} records, all whole; {unfinished} left unfinished beside them; {signed_in} sign-ins to recover"
    );
    assert!(signed_in > 0 && signed_in < u64::from(KILLS), "control: they died at different points");
}

/// A line that names this library, and 32 bytes.
const KEY_LENGTH: u64 = 26 + 32;

struct Found {
    records: u32,
    unfinished: u32,
}

/// Every record is whole, and everything is private.
fn look_into(directory: &Path) -> Found {
    let mut found = Found { records: 0, unfinished: 0 };
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600, "{entry:?}");
        let name = entry.file_name().into_string().unwrap();
        match name.rsplit_once('.') {
            // Wiped, unless its writer was killed.
            Some((_, "spare")) => {
                let content = fs::read(entry.path()).unwrap();
                found.unfinished += u32::from(content.iter().any(|byte| *byte != b' '));
            }
            Some((_, "lock")) => {}
            // Says that a session lives.
            _ if name.starts_with("plextrac-auth-o") => {}
            _ if name == "plextrac-auth-key" => assert_eq!(entry.metadata().unwrap().len(), KEY_LENGTH),
            _ => {
                let content = fs::read(entry.path()).unwrap();
                let record = content.splitn(2, |byte| *byte == b'\n').nth(1).unwrap_or_default();
                let record: Result<serde_json::Value, _> = serde_json::from_slice(record);
                assert!(record.is_ok(), "{name} is not whole: {} bytes", content.len());
                found.records += 1;
            }
        }
    }
    found
}
