//! What a session told its event sink, in the order it did.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use plextrac_transport::{SessionConfig, SessionEvent};

use super::LONGEST_WAIT;

pub struct Told(Receiver<SessionEvent>);

impl Told {
    /// Listens to the sessions of a configuration.
    pub fn by(config: &mut SessionConfig) -> Self {
        let (tell, told): (Sender<SessionEvent>, _) = channel();
        config.on_event(move |event| drop(tell.send(event.clone())));
        Self(told)
    }

    /// Waits for an event; those before it are passed over.
    #[track_caller]
    pub fn await_event(&self, is_it: impl Fn(&SessionEvent) -> bool) -> SessionEvent {
        let mut passed = Vec::new();
        while let Ok(event) = self.0.recv_timeout(LONGEST_WAIT) {
            if is_it(&event) {
                return event;
            }
            passed.push(event);
        }
        panic!("it never came; these did: {passed:?}")
    }

    /// Makes a call again and again until an event comes: for calls that start something only when nothing is under way.
    #[track_caller]
    pub fn await_event_while(&self, call: impl Fn(), is_it: impl Fn(&SessionEvent) -> bool) {
        let gives_up = Instant::now() + LONGEST_WAIT;
        while !self.0.try_iter().any(|event| is_it(&event)) {
            call();
            std::thread::yield_now();
            assert!(Instant::now() < gives_up, "it never came");
        }
    }

    /// What was told so far and not looked at.
    pub fn so_far(&self) -> Vec<SessionEvent> {
        self.0.try_iter().collect()
    }
}
