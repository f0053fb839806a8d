//! What a session told its event sink, in the order it did.

use std::sync::mpsc::{Receiver, Sender, channel};

use plextrac_transport::{SessionConfig, SessionEvent};

use super::PATIENCE;

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
        while let Ok(event) = self.0.recv_timeout(PATIENCE) {
            if is_it(&event) {
                return event;
            }
            passed.push(event);
        }
        panic!("it never came; these did: {passed:?}")
    }

    /// What was told so far and not looked at.
    pub fn so_far(&self) -> Vec<SessionEvent> {
        self.0.try_iter().collect()
    }
}
