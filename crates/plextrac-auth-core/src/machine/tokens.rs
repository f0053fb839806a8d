//! The token in hand, and what is known of those before it.

use alloc::vec::Vec;

use super::Machine;
use crate::credential::ImportedToken;
use crate::fingerprint::{Fingerprint, FingerprintKey};
use crate::output::{Event, Output};
use crate::request;
use crate::secret::Secret;
use crate::table::{Phase, Trigger};
use crate::time::{Instant, Time};
use crate::token::{Generation, Origin, Token};

/// So many tokens of one account are recognised: those of the last hour and more, and as many refused ones.
pub(super) const MAX_ISSUED: usize = 8;

/// Why there is no header value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotUsable {
    /// There is no token yet.
    NotReady,
    /// There was one; it is at its end, or the server does not take it any more.
    Expired,
}

/// The token in hand, and the fingerprints of others.
#[derive(Default)]
pub(super) struct Tokens {
    pub(super) in_hand: Option<Token>,
    generation: Generation,
    /// The token in hand was answered with 401: the next one replaces it because of that.
    pub(super) replaces_unauthorized: bool,
    /// A 401 on the token in hand starts nothing until then.
    pub(super) muted_until: Option<Instant>,
    /// When tokens were answered with 401 and given up for that, in the last minute.
    pub(super) renewals: Vec<Instant>,
    /// Recognises the imported token.
    imported: Option<Fingerprint>,
    /// Imported tokens whose refresh was refused, here or elsewhere, the newest first.
    refused: Vec<Fingerprint>,
    /// The last tokens that sessions of the account had, the newest first.
    issued: Vec<Fingerprint>,
    /// A token that was answered with 401, or that could not even be refreshed. It is dead, even if others share it.
    dead: Option<Fingerprint>,
}

impl Tokens {
    /// Counts the tokens that were in hand.
    pub(super) const fn generation(&self) -> Generation {
        self.generation
    }

    /// Recognises the imported token, if there was one.
    pub(super) const fn imported(&self) -> Option<Fingerprint> {
        self.imported
    }

    /// Imported tokens whose refresh was refused, for the shared record.
    pub(super) fn refused(&self) -> Vec<Fingerprint> {
        self.refused.iter().take(MAX_ISSUED).copied().collect()
    }

    /// The account's last tokens, for the shared record.
    pub(super) fn issued(&self) -> Vec<Fingerprint> {
        self.issued.iter().take(MAX_ISSUED).copied().collect()
    }

    /// What other sessions wrote of the account's tokens.
    pub(super) fn adopt(&mut self, refused: &[Fingerprint], issued: &[Fingerprint]) {
        self.merge_issued(issued);
        self.refused = refused.to_vec();
        let is_refused = self.imported.is_some_and(|print| refused.contains(&print));
        if is_refused && self.holds_imported() {
            self.in_hand.iter_mut().for_each(|token| token.refresh_refused = true);
        }
    }

    /// The record is newer than what is known here, but for the tokens that this machine got since it was last read: those
    /// before the first one that both know, or, if they share none, the token in hand.
    fn merge_issued(&mut self, recorded: &[Fingerprint]) {
        let is_got_here = self.in_hand.as_ref().is_some_and(|token| token.origin == Origin::Granted);
        let unwritten = match self.issued.iter().position(|own| recorded.contains(own)) {
            Some(first_common) => first_common,
            None => usize::from(is_got_here),
        };
        let older = self.issued.split_off(unwritten.min(self.issued.len()));
        for print in recorded.iter().chain(&older) {
            if !self.issued.contains(print) {
                self.issued.push(*print);
            }
        }
        self.issued.truncate(MAX_ISSUED);
    }

    /// Whether the token in hand is the imported one.
    pub(super) fn holds_imported(&self) -> bool {
        self.in_hand.as_ref().is_some_and(|token| token.origin == Origin::Imported)
    }

    pub(super) fn is_refresh_refused(&self) -> bool {
        self.in_hand.as_ref().is_some_and(|token| token.refresh_refused)
    }

    /// The server refused to refresh the token in hand. Returns whether others have to know.
    pub(super) fn note_refused_refresh(&mut self) -> bool {
        if let Some(token) = &mut self.in_hand {
            token.refresh_refused = true;
        }
        let print = self.imported.filter(|print| !self.refused.contains(print) && self.holds_imported());
        self.refused.splice(0..0, print);
        print.is_some()
    }

    /// The refresh of the imported token may be tried again.
    pub(super) fn forget_refusal(&mut self) {
        self.refused.retain(|refused| Some(*refused) != self.imported);
    }

    /// The token in hand is not used any more, nor taken back from others.
    pub(super) fn give_up(&mut self, key: &FingerprintKey) {
        self.dead = self.in_hand.take().map(|token| fingerprint(key, &token.secret));
    }

    /// The token in hand was answered with 401.
    pub(super) fn mark_unauthorized(&mut self, key: &FingerprintKey) {
        self.replaces_unauthorized = true;
        if let Some(token) = &mut self.in_hand {
            token.is_doubtful = true;
            self.dead = Some(fingerprint(key, &token.secret));
        }
    }

    /// Whether the server does not take this token any more.
    pub(super) fn is_dead(&self, token: &Secret, key: &FingerprintKey) -> bool {
        self.dead.is_some() && self.dead == Some(fingerprint(key, token))
    }

    /// Neither the token in hand nor one that is known to be dead.
    pub(super) fn is_news(&self, token: &Secret, key: &FingerprintKey) -> bool {
        let held = self.in_hand.as_ref();
        !held.is_some_and(|held| held.secret.matches(token.expose())) && !self.is_dead(token, key)
    }

    /// `token` becomes the token in hand, under a new generation.
    pub(super) fn put(&mut self, mut token: Token, key: &FingerprintKey) -> Generation {
        self.generation.0 += 1;
        token.generation = self.generation;
        if core::mem::take(&mut self.replaces_unauthorized) {
            token.replaced_unauthorized_at = Some(token.windows.sent);
        }
        self.muted_until = None;
        // An imported token may be of any account, and so may what it is refreshed to.
        if self.imported.is_none() {
            let print = fingerprint(key, &token.secret);
            self.issued.retain(|issued| *issued != print);
            self.issued.insert(0, print);
            self.issued.truncate(MAX_ISSUED);
        }
        self.in_hand = Some(token);
        self.generation
    }
}

impl Machine {
    /// The token in hand, if it may be handed out at `now`.
    #[must_use]
    pub fn usable_token(&self, now: Time) -> Option<&Token> {
        let is_handed_out = matches!(self.phase, Phase::Active | Phase::Refreshing);
        self.tokens
            .in_hand
            .as_ref()
            .filter(|token| is_handed_out && now.monotonic < token.windows.unusable_at)
    }

    /// The value for the `Authorization` header.
    ///
    /// # Errors
    /// [`NotUsable`]: want a token first.
    pub fn authorization(&self, now: Time) -> Result<Secret, NotUsable> {
        match (self.usable_token(now), &self.tokens.in_hand) {
            (Some(token), _) => Ok(request::authorization(self.config.scheme, &token.secret)),
            (None, Some(_)) => Err(NotUsable::Expired),
            (None, None) => Err(NotUsable::NotReady),
        }
    }

    /// Which token a header value that was answered with 401 carried: `None` if it is not the one in hand.
    #[must_use]
    pub fn generation_of(&self, authorization: &str) -> Option<Generation> {
        let token = without_scheme(authorization);
        self.tokens.in_hand.as_ref().filter(|held| held.secret.matches(token)).map(|held| held.generation)
    }

    /// Whether a token, with or without `Bearer ` in front, is the one in hand or one of those before it, here or in
    /// another session of the account.
    #[must_use]
    pub fn knows_token(&self, token: &str) -> bool {
        let token = without_scheme(token);
        self.generation_of(token).is_some() || self.tokens.issued.contains(&self.key.of(&[token.as_bytes()]))
    }

    /// The imported token is usable from here on, unless it is past its `exp`.
    pub(super) fn import(&mut self, imported: &ImportedToken, now: Time) {
        self.tokens.imported = Some(fingerprint(&self.key, imported.secret()));
        let (token, is_past) = Token::imported(imported, now, &mut self.draws);
        self.step_to(if is_past { Trigger::AdoptedDoubtful } else { Trigger::Adopted });
        self.tokens.put(token, &self.key);
    }

    /// What only time brings to a token: it is not handed out any more, and then it ends.
    pub(super) fn end_tokens(&mut self, now: Time) {
        self.notice_expiry(now);
        let is_over =
            self.tokens.in_hand.as_ref().is_some_and(|token| now.monotonic >= token.windows.ends_at);
        if self.phase == Phase::Suspect && is_over {
            self.tokens.in_hand = None;
            self.step_to(Trigger::Expired);
            self.outputs.push_back(Output::Event(Event::SignInNeeded));
        }
    }

    /// A token that reached its hand-out limit is good for one refresh. An answer may come before a poll has seen that.
    pub(super) fn notice_expiry(&mut self, now: Time) {
        let is_over =
            self.tokens.in_hand.as_ref().is_some_and(|token| now.monotonic >= token.windows.unusable_at);
        if is_over && matches!(self.phase, Phase::Active | Phase::Refreshing) {
            self.step_to(Trigger::Expiring);
        }
    }
}

fn fingerprint(key: &FingerprintKey, token: &Secret) -> Fingerprint {
    key.of(&[token.expose().as_bytes()])
}

/// The token of a header value, in either scheme.
fn without_scheme(authorization: &str) -> &str {
    let authorization = authorization.trim();
    authorization.strip_prefix("Bearer ").unwrap_or(authorization)
}
