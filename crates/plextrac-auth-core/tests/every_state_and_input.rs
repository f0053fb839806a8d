//! What every input does in every phase: one line each, in `golden/every_state_and_input.txt`.
//!
//! A line reads *input: phase that follows; outputs of the drain*, or *input: error*. An input that is
//! refused is shown to change nothing that anybody could see, now or at the next poll.

mod driver;

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use driver::scenario::{fresh, granted, to, to_with};
use driver::{Driver, FAILURES, Reply, config, digits, ms, reply, secs};
use plextrac_auth_core::table::Phase;
use plextrac_auth_core::{
    Call, Config, Generation, InputError, Instant, Output, RequestId, Secret, SharedRecord, SharedToken,
    Stamp, TransportFailure, UnixTime, Want,
};

#[test]
fn every_input_in_every_phase_does_what_the_golden_file_says() {
    let mut actual = String::new();
    for phase in Phase::ALL {
        writeln!(actual, "== {phase:?}").unwrap();
        for (name, input) in inputs() {
            let mut driver = to(phase);
            driver.take_trace();
            let line = match input(&mut driver) {
                Ok(()) => {
                    driver.drain();
                    outcome(&mut driver)
                }
                Err(refused) => format!("{refused:?}"),
            };
            writeln!(actual, "{name:28} {line}").unwrap();
        }
        for (name, input) in shared_inputs() {
            let mut driver = to_with(phase, with_store());
            driver.reads_record = false;
            driver.machine.want(Want::default()).unwrap();
            driver.drain();
            driver.take_trace();
            let line = match input(&mut driver) {
                Ok(()) => {
                    driver.drain();
                    outcome(&mut driver)
                }
                Err(refused) => format!("{refused:?}"),
            };
            writeln!(actual, "{name:28} {line}").unwrap();
        }
        for (name, span) in times() {
            let mut driver = to(phase);
            driver.take_trace();
            driver.pass(span);
            driver.drain();
            let line = outcome(&mut driver);
            writeln!(actual, "{name:28} {line}").unwrap();
        }
    }
    compare("every_state_and_input.txt", &actual);
}

#[test]
fn an_input_that_does_not_fit_changes_nothing() {
    let mut refused = 0;
    for phase in Phase::ALL {
        for (name, input) in inputs().into_iter().chain(shared_inputs()) {
            let (mut touched, mut untouched) = (to(phase), to(phase));
            let before = touched.face();
            if input(&mut touched).is_err() {
                refused += 1;
                assert_eq!(touched.face(), before, "{phase:?}, {name}");
                assert!(touched.machine.is_drained(), "{phase:?}, {name}");
                assert_eq!(next_polls(&mut touched), next_polls(&mut untouched), "{phase:?}, {name}");
            }
        }
    }
    assert!(refused > 100, "only {refused} inputs were refused: this test looks at too little");
}

#[test]
fn any_input_before_the_drain_is_refused_and_changes_nothing() {
    for phase in Phase::ALL {
        for (name, input) in inputs().into_iter().chain(shared_inputs()) {
            let undrained = || {
                let mut driver = to(phase);
                driver.machine.want(Want::default()).unwrap();
                driver
            };
            let (mut touched, mut untouched) = (undrained(), undrained());
            let before = touched.face();
            assert_eq!(input(&mut touched), Err(InputError::MustDrain), "{phase:?}, {name}");
            assert_eq!(touched.face(), before, "{phase:?}, {name}");
            assert_eq!(next_polls(&mut touched), next_polls(&mut untouched), "{phase:?}, {name}");
        }
    }
}

#[test]
fn a_code_that_was_sent_before_leaves_the_challenge_open() {
    let mut driver = to(Phase::Verifying);
    driver.hand_in(reply::rejected());
    driver.machine.want(Want::default()).unwrap();
    driver.drain();
    driver.hand_in(reply::challenge("challenge-1"));
    assert_eq!(driver.machine.phase(), Phase::AwaitingCode);
    let (before, now) = (driver.face(), driver.now());
    assert_eq!(driver.machine.submit_code(digits("111111"), now), Err(InputError::CodeSpent));
    assert_eq!(driver.face(), before);
    driver.machine.submit_code(digits("222222"), now).unwrap();
    driver.drain();
    assert_eq!(driver.machine.phase(), Phase::Verifying);
}

type Input = Box<dyn Fn(&mut Driver) -> Result<(), InputError>>;

fn input(name: &str, input: impl Fn(&mut Driver) -> Result<(), InputError> + 'static) -> (String, Input) {
    (name.into(), Box::new(input))
}

/// Every public input but those about the shared record.
fn inputs() -> Vec<(String, Input)> {
    let mut inputs = vec![
        input("want", |d| d.machine.want(Want::default())),
        input("want a fresh one", |d| d.machine.want(fresh())),
        input("withdraw", |d| d.machine.withdraw()),
        input("look at the shared record", |d| d.machine.look_at(None, d.now())),
    ];
    type Answer = fn(&Driver) -> Reply;
    let answers: [(&str, Answer); 12] = [
        ("a token", granted),
        ("a challenge", |_| reply::challenge("challenge-9")),
        ("rejected", |_| reply::rejected()),
        ("rejected, HTTP 200", |_| reply::json(200, r#"{"status":"error"}"#)),
        ("401 without JSON", |_| reply::json(401, "Unauthorized")),
        ("429", |_| reply::rate_limited(30)),
        ("HTML, HTTP 401", |_| reply::html(401)),
        ("HTTP 500", |_| reply::server_error()),
        ("HTTP 404", |_| reply::json(404, "{}")),
        ("a redirect", |_| reply::json(302, "")),
        ("a hostile token", |_| reply::hostile_token()),
        ("nothing", |_| reply::json(200, "")),
    ];
    for (name, answer) in answers {
        inputs.push(input(&format!("answer: {name}"), move |d| {
            let answer = answer(d);
            hand_in(d, &answer)
        }));
    }
    for failure in FAILURES {
        inputs.push(input(&format!("failure: {failure:?}"), move |d| hand_in(d, &Reply::Fails(failure))));
    }
    inputs.extend([
        input("answer: to a stale id", |d| d.hand_in_under(RequestId(999), &reply::token("a.b.c"))),
        input("failure: of a stale id", |d| {
            d.hand_in_under(RequestId(999), &Reply::Fails(TransportFailure::Other))
        }),
        input("not sent", |d| {
            let id = d.out.as_ref().map_or(RequestId(1), |request| request.id);
            d.machine.handle_not_sent(id, d.now())?;
            d.out = None;
            Ok(())
        }),
        input("a one-time code", |d| {
            let now = d.now();
            d.machine.submit_code(digits("222222"), now)
        }),
        input("abandon MFA", |d| d.machine.abandon_mfa()),
        input("401 on the token in hand", |d| unauthorized(d, Generation(1))),
        input("401 on another", |d| unauthorized(d, Generation(0))),
        input("forget the rejection", |d| {
            let now = d.now();
            d.machine.forget_rejection(now)
        }),
        input("sign out", |d| {
            let now = d.now();
            d.machine.sign_out(now)
        }),
    ]);
    inputs
}

/// The shared record, which is only taken when it was asked for.
fn shared_inputs() -> Vec<(String, Input)> {
    let shared = |name: &str, record: fn(&Driver) -> Option<SharedRecord>| {
        input(name, move |d| {
            let (record, now) = (record(d), d.now());
            d.machine.handle_shared(record.as_ref(), now)
        })
    };
    vec![
        shared("asked, record: none", |_| None),
        shared("asked, record: live", |d| Some(record(d, "boot-1"))),
        shared("asked, record: doubtful", |d| Some(record(d, "boot-0"))),
    ]
}

/// Time that passes, each time to just after a deadline of some phase.
fn times() -> [(&'static str, Duration); 6] {
    [
        ("passes: 30 s", secs(30)),
        ("passes: 2 min", secs(120)),
        ("passes: 11 min", secs(660)),
        ("passes: 14 min", secs(840)),
        ("passes: 14 min 50 s", secs(890)),
        ("passes: 15 min", secs(900)),
    ]
}

fn hand_in(driver: &mut Driver, reply: &Reply) -> Result<(), InputError> {
    let id = driver.out.as_ref().map_or(RequestId(1), |request| request.id);
    driver.hand_in_under(id, reply)?;
    driver.out = None;
    Ok(())
}

/// With the verdict in the trace: it is half of the outcome.
fn unauthorized(driver: &mut Driver, generation: Generation) -> Result<(), InputError> {
    let now = driver.now();
    let verdict = driver.machine.report_unauthorized(generation, false, now)?;
    driver.note(format!("{verdict:?}"));
    Ok(())
}

fn with_store() -> Config {
    Config { has_store: true, ..config() }
}

/// A record whose token is younger than the one in hand. On another boot the clocks disagree by a day.
fn record(driver: &Driver, boot: &str) -> SharedRecord {
    let now = driver.now();
    let sent = now.monotonic.as_millis() - 50;
    SharedRecord {
        token: Some(SharedToken {
            token: Secret::new("shared.to.ken"),
            cookie: None,
            tenant_id: Some(0),
            life_ms: 899_000,
            replaced_unauthorized_at: None,
            stamp: Stamp {
                boot: boot.into(),
                monotonic: Instant::from_millis(sent),
                unix: UnixTime::from_millis(now.unix.as_millis() - 86_400_000),
            },
        }),
        ..SharedRecord::default()
    }
}

/// The phase that followed and the outputs, a token in use marked with a star.
fn outcome(driver: &mut Driver) -> String {
    let star = if driver.usable().is_some() { "*" } else { "" };
    let trace = driver.take_trace().join(", ");
    format!("{:?}{star}; {trace}", driver.machine.phase())
}

/// What the machine does next, at once and when time has passed.
fn next_polls(driver: &mut Driver) -> Vec<String> {
    driver.take_trace();
    for span in [0, 100, 60_000, 900_000] {
        driver.pass(ms(span));
        let last = driver.drain();
        // Answered or timed out: either way it is not out any more.
        if !matches!(last, Output::Wait { .. }) {
            driver.out = None;
        }
    }
    let calls: Vec<Call> = driver.sent.iter().map(|sent| sent.call).collect();
    let mut trace = driver.take_trace();
    trace.push(format!("{calls:?}"));
    trace
}

fn compare(name: &str, actual: &str) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    let written = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&written, actual).unwrap();
    let mut phase = "";
    for (expected, actual) in expected.lines().zip(actual.lines()) {
        phase = if actual.starts_with("==") { actual } else { phase };
        assert_eq!(actual, expected, "{phase}; all lines as they are now: {}", written.display());
    }
    assert_eq!(actual.lines().count(), expected.lines().count(), "{}", written.display());
}
