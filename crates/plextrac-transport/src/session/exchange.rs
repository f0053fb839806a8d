//! Requests of the program itself: authorized, sent, and sent once more after a 401.

use plextrac_auth_core::Verdict;

use super::Session;
use super::token::no_cookie;
use crate::cancel::CancelToken;
use crate::clock;
use crate::driver::closed;
use crate::error::{Error, ErrorCode};
use crate::event::AtomicCounters;
#[cfg(not(plextrac_shuttle))]
use crate::http::Incoming;
use crate::http::{Call, HttpError, HttpErrorKind, TimeLimit, secret_header_value};
use crate::live::LiveToken;
use crate::request::Request;
use crate::response::Response;

impl Session {
    /// Sends a request and reads the answer into memory.
    pub(super) fn send_authorized(&self, request: &Request) -> Result<Response, Error> {
        let send = |token: &LiveToken, limit| {
            let answer = self.send(request, token, limit, |call| self.shared().http.call(call))?;
            Ok(Response::from(answer))
        };
        if request.is_streamed() {
            self.authorized(request, Time::Progress, send, Response::status)
        } else {
            self.authorized(request, Time::Whole, send, Response::status)
        }
    }

    /// Sends a request and leaves the body of the answer to be read.
    #[cfg(not(plextrac_shuttle))]
    pub(super) fn stream_authorized(&self, request: &Request) -> Result<Incoming, Error> {
        let send =
            |token: &LiveToken, limit| self.send(request, token, limit, |call| self.shared().http.open(call));
        self.authorized(request, Time::Progress, send, Incoming::status)
    }

    /// Sends a request with a token, and once more with a new one after a 401 if its body can be read again.
    fn authorized<A>(
        &self,
        request: &Request,
        time: Time,
        send: impl Fn(&LiveToken, TimeLimit) -> Result<A, Error>,
        status: impl Fn(&A) -> u16,
    ) -> Result<A, Error> {
        let began = clock::real_now();
        let asked_for = || self.shared().inner.lock().coordinator.asked_for(self.shared().now());
        let asked_before = asked_for();
        let limit = |ends| match time {
            Time::Whole => TimeLimit::Whole(ends),
            Time::Progress => TimeLimit::Progress(self.timeout),
        };
        let token = self.token_for(request)?;
        let ends = began + self.timeout + (asked_for() - asked_before);
        let answer = send(&token, limit(ends))?;
        if !is_unauthorized(&token, status(&answer)) {
            return Ok(answer);
        }
        AtomicCounters::add(&self.shared().tally.unauthorized);
        if self.report(token.generation, token.was_accepted())? == Verdict::Final || !request.can_be_sent() {
            return Ok(answer);
        }
        drop(answer);
        let left = match time {
            Time::Whole => ends.saturating_duration_since(clock::real_now()),
            Time::Progress => self.timeout,
        };
        let asked_before = asked_for();
        let token = self.with_timeout(left).token_for(request)?;
        let answer = send(&token, limit(ends + (asked_for() - asked_before)))?;
        if is_unauthorized(&token, status(&answer)) {
            self.report(token.generation, token.was_accepted())?;
        }
        Ok(answer)
    }

    fn send<A>(
        &self,
        request: &Request,
        token: &LiveToken,
        limit: TimeLimit,
        exchange: impl FnOnce(&Call<'_>) -> Result<A, HttpError>,
    ) -> Result<A, Error> {
        let shared = self.shared();
        let mut headers = shared.headers.clone();
        // A request's own header takes the place of the session's.
        headers.retain(|(name, _)| request.headers.iter().all(|(own, _)| own != name));
        headers.extend(request.headers.iter().cloned());
        if request.goes_with_cookie() {
            let cookie = token.cookie.as_ref().ok_or_else(no_cookie)?;
            let value = zeroize::Zeroizing::new(format!("token={}", cookie.expose()));
            let value = secret_header_value(&value).map_err(|_| no_cookie())?;
            headers.push((http::header::COOKIE, value));
        } else {
            headers.push((http::header::AUTHORIZATION, token.header.clone()));
        }
        let url = format!("{}{}", shared.base_url, request.path);
        let tokens: &[&CancelToken] = match &self.cancel {
            Some(cancel) => &[&shared.abort_requests, cancel],
            None => &[&shared.abort_requests],
        };
        let call = Call {
            method: request.method.clone(),
            url: &url,
            headers: &headers,
            body: request.call_body(),
            limit,
            body_limit: shared.response_limit,
            cancel: tokens,
        };
        exchange(&call)
            .map_err(|error| request_failed(&error, request.method.is_idempotent(), &shared.abort_requests))
    }
}

/// What the timeout of a call is for.
#[derive(Clone, Copy)]
enum Time {
    /// The whole call.
    Whole,
    /// Each time that no byte moves.
    Progress,
}

/// Whether an answer says that the token is not accepted. Any other answer of the API says that it is; what stands in
/// front of the API when that fails says nothing.
fn is_unauthorized(token: &LiveToken, status: u16) -> bool {
    if status != 401 && status < 500 {
        token.note_accepted();
    }
    status == 401
}

/// What the network says of a request of the program itself.
pub(crate) fn request_failed(error: &HttpError, is_idempotent: bool, closing: &CancelToken) -> Error {
    if closing.is_triggered() {
        return closed();
    }
    let code = match error.kind() {
        HttpErrorKind::Timeout => ErrorCode::Timeout,
        HttpErrorKind::Cancelled => ErrorCode::Cancelled,
        HttpErrorKind::Tls => ErrorCode::Tls,
        HttpErrorKind::TooLarge => ErrorCode::TooLarge,
        HttpErrorKind::Request => ErrorCode::InvalidArgument,
        HttpErrorKind::Body => ErrorCode::Io,
        HttpErrorKind::Protocol => ErrorCode::UnexpectedAnswer,
        HttpErrorKind::Resolve | HttpErrorKind::Connect | HttpErrorKind::Proxy | HttpErrorKind::Closed => {
            ErrorCode::Network
        }
    };
    let advice = match code {
        ErrorCode::TooLarge => "; set a higher response limit if it is meant to be",
        _ => "",
    };
    let told = Error::new(code, format!("{error}{advice}"));
    // Of a request that may have arrived, nobody knows whether the server acted on it (RFC 9110 §9.2.2).
    if error.was_sent() && !is_idempotent { told.not_retryable() } else { told }
}
