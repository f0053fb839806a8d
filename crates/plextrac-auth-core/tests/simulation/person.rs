//! A person in front of a program that asks for six digits.

use plextrac_auth_core::{Digits, InputError};

use crate::driver::authenticator;
use crate::flight::{Ended, Stage};
use crate::plan::DigitsFrom;
use crate::world::{Local, World};

/// What the person does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Typed {
    Code,
    Nonsense,
    Nothing,
}

impl World {
    pub(crate) fn ask(&mut self, process: usize, attempt: u32) {
        let awake_ms = self.clocks.awake_ms();
        let DigitsFrom::Person { takes_ms, wrong, gives_up } = self.processes[process].plan.digits else {
            return;
        };
        self.enter(process, Stage::Ask);
        self.flight_of(process).expect("a flight asks").borrow_mut().begin_asking(awake_ms);
        self.notify(process);
        let takes = self.random.within(takes_ms);
        let how = match (self.random.chance(gives_up), self.random.chance(wrong)) {
            (true, _) if !self.is_calm => Typed::Nothing,
            (_, true) if !self.is_calm => Typed::Nonsense,
            _ => Typed::Code,
        };
        self.trace(|| format!("p{process} asks a person, attempt {attempt}: {how:?} after {takes} ms"));
        let number = self.flight_number(process);
        self.local(process, takes, Local::Digits(number, how));
    }

    /// A person typed something, or gave up.
    pub(crate) fn typed(&mut self, process: usize, number: u64, how: Typed) {
        let awake_ms = self.clocks.awake_ms();
        let unix_ms = self.clocks.true_unix_ms();
        let Some(flight) = self.flight_of(process).filter(|flight| flight.borrow().number == number) else {
            return;
        };
        flight.borrow_mut().end_asking(awake_ms);
        self.notify(process);
        let code = match how {
            Typed::Nothing => {
                let drained = self.step(process, |machine, _| machine.abandon_mfa());
                return self.keep_and_follow(process, drained);
            }
            Typed::Nonsense => format!("{:06}", self.random.within((0, 999_999))),
            Typed::Code => authenticator(unix_ms),
        };
        let digits = Digits::new(&code).unwrap();
        let drained = match self.step(process, |machine, now| machine.submit_digits(digits, now)) {
            // The challenge lapsed, which the machine tells when it is polled; or the session was signed out.
            Err(Ended::NotTaken(InputError::WrongState)) => self.step(process, |_, _| Ok(())),
            drained => drained,
        };
        self.keep_and_follow(process, drained);
    }
}
