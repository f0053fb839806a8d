//! A person in front of a program that asks for a one-time code, or that says that one is needed.

use plextrac_auth_core::OneTimeCode;

use crate::driver::authenticator;
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
    /// The coordinator asks for a code.
    pub(crate) fn ask(&mut self, process: usize, attempt: u32) {
        let (takes_ms, how) = self.draw_answer(process);
        self.trace(|| format!("p{process} asks a person, attempt {attempt}: {how:?} after {takes_ms} ms"));
        let session = self.session(process);
        assert!(!session.is_asked, "a second question while one stands");
        session.is_asked = true;
        session.questions += 1;
        let number = session.questions;
        self.local(process, takes_ms, Local::Typed(number, how));
    }

    /// A person typed something, or gave up.
    pub(crate) fn typed(&mut self, process: usize, number: u64, how: Typed) {
        let session = self.session(process);
        if !session.is_asked || session.questions != number {
            return;
        }
        session.is_asked = false;
        let code = self.code(how);
        // The challenge may be over, and the code may have been sent before: the coordinator says so to its callers.
        let _ = self.input(process, |coordinator, now| coordinator.handle_code(code, now));
    }

    /// A call said that a code is needed; the program asks for one, and submits it.
    pub(crate) fn submit_later(&mut self, process: usize, caller: usize) {
        let (takes_ms, how) = self.draw_answer(process);
        self.local(process, takes_ms, Local::Submits(caller, how));
    }

    pub(crate) fn submits(&mut self, process: usize, caller: usize, how: Typed) {
        match how {
            Typed::Nothing => self.pause(process, caller),
            Typed::Nonsense => {
                let code = format!("{:06}", self.random.within((0, 999_999)));
                self.submits_code(process, caller, &code);
            }
            Typed::Code => {
                let code = authenticator(self.true_unix_ms());
                self.submits_code(process, caller, &code);
            }
        }
    }

    fn draw_answer(&mut self, process: usize) -> (u64, Typed) {
        let DigitsFrom::Person { takes_ms, wrong, gives_up, .. } = self.processes[process].plan.digits else {
            panic!("a program with a TOTP secret asks nobody");
        };
        let takes_ms = self.random.within(takes_ms);
        let how = match (self.random.chance(gives_up), self.random.chance(wrong)) {
            (true, _) if !self.is_calm => Typed::Nothing,
            (_, true) if !self.is_calm => Typed::Nonsense,
            _ => Typed::Code,
        };
        (takes_ms, how)
    }

    fn code(&mut self, how: Typed) -> Option<OneTimeCode> {
        let code = match how {
            Typed::Nothing => return None,
            Typed::Nonsense => format!("{:06}", self.random.within((0, 999_999))),
            Typed::Code => authenticator(self.true_unix_ms()),
        };
        Some(OneTimeCode::new(&code).unwrap())
    }
}
