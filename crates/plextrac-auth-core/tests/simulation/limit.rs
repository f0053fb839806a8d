//! The instance's limit on authentication requests, in every form that the documentation allows
//! (`docs/protocol.md`, "The rules that shape everything"): nobody knows whether its window is fixed or sliding.

use std::collections::VecDeque;

const WINDOW_MS: u64 = 60_000;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Window {
    /// The 60 s before each request.
    Sliding,
    /// Minutes that begin at this offset.
    Fixed(u64),
}

pub(crate) struct Limit {
    window: Window,
    places: usize,
    /// When requests came that still count, refused ones among them.
    counted: VecDeque<u64>,
}

impl Limit {
    pub(crate) const fn new(window: Window, places: usize) -> Self {
        Self { window, places, counted: VecDeque::new() }
    }

    /// Counts a request, and says how long is to be waited if it is one too many.
    pub(crate) fn take(&mut self, at_ms: u64) -> Result<(), u64> {
        let begins = match self.window {
            Window::Sliding => (at_ms + 1).saturating_sub(WINDOW_MS),
            Window::Fixed(offset) => at_ms.saturating_sub((at_ms + offset) % WINDOW_MS),
        };
        while self.counted.front().is_some_and(|first| *first < begins) {
            self.counted.pop_front();
        }
        self.counted.push_back(at_ms);
        if self.counted.len() <= self.places {
            return Ok(());
        }
        Err(match self.window {
            Window::Sliding => self.counted[self.counted.len() - 1 - self.places] + WINDOW_MS - at_ms,
            Window::Fixed(offset) => WINDOW_MS - (at_ms + offset) % WINDOW_MS,
        })
    }
}
