//! Straight to the phase under test: a driver for each of the nine, with nothing else going on.

use plextrac_auth_core::table::Phase;
use plextrac_auth_core::{Config, Want};

use super::{Driver, Reply, Server, config, ms, reply};

/// A driver in `phase`, drained. A want stands exactly where the phase cannot be without one: while a
/// request is out, and while six digits are waited for.
pub(crate) fn to(phase: Phase) -> Driver {
    to_with(phase, config())
}

pub(crate) fn to_with(phase: Phase, config: Config) -> Driver {
    let driver = match phase {
        Phase::SignedOut => Driver::alone(Server::plain(), config),
        Phase::Authenticating => to_authenticating(config),
        Phase::AwaitingCode => to_awaiting_digits(config),
        Phase::Verifying => to_verifying(config),
        Phase::Active => to_active(config),
        Phase::Refreshing => to_refreshing(config),
        Phase::Suspect => to_suspect(config),
        Phase::Reviving => to_reviving(config),
        Phase::LockedOut => to_locked_out(config),
    };
    assert_eq!(driver.machine.phase(), phase);
    driver
}

pub(crate) fn to_authenticating(config: Config) -> Driver {
    let mut driver = Driver::alone(Server::plain(), config);
    driver.machine.want(Want::default()).unwrap();
    driver.drain();
    driver.pass(ms(200));
    driver
}

pub(crate) fn to_awaiting_digits(config: Config) -> Driver {
    let mut driver = to_authenticating(config);
    driver.hand_in(reply::challenge("challenge-0"));
    driver
}

pub(crate) fn to_verifying(config: Config) -> Driver {
    let mut driver = to_awaiting_digits(config);
    driver.machine.submit_code(super::digits("111111"), driver.now()).unwrap();
    driver.drain();
    driver.pass(ms(200));
    driver
}

/// With a token of fifteen minutes that came just now.
pub(crate) fn to_active(config: Config) -> Driver {
    let mut driver = to_authenticating(config);
    let token = granted(&driver);
    driver.hand_in(token);
    driver
}

pub(crate) fn to_refreshing(config: Config) -> Driver {
    let mut driver = to_active(config);
    driver.machine.want(fresh()).unwrap();
    driver.drain();
    driver.pass(ms(200));
    driver
}

/// Its token was answered with 401.
pub(crate) fn to_suspect(config: Config) -> Driver {
    let mut driver = to_active(config);
    driver.unauthorized();
    driver
}

pub(crate) fn to_reviving(config: Config) -> Driver {
    let mut driver = to_suspect(config);
    driver.machine.want(Want::default()).unwrap();
    driver.drain();
    driver.pass(ms(200));
    driver
}

pub(crate) fn to_locked_out(config: Config) -> Driver {
    let mut driver = to_authenticating(config);
    driver.hand_in(reply::rejected());
    driver
}

pub(crate) fn fresh() -> Want {
    Want { fresh: true, deadline: None }
}

/// What the server would grant now.
pub(crate) fn granted(driver: &Driver) -> Reply {
    let unix_ms = driver.world.true_unix_ms();
    driver.world.server.borrow_mut().grant(unix_ms)
}
