//! Requests of the program itself: authorized, sent, and sent once more after a 401.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use plextrac_auth_core::Verdict;

use super::Session;
use super::token::no_cookie;
use crate::cancel::CancelToken;
use crate::clock;
use crate::error::{Error, ErrorCode};
use crate::event::Tally;
use crate::flight;
use crate::http::{Call, HttpError, HttpErrorKind, secret_header_value};
use crate::live::LiveToken;
use crate::request::{Request, Response};

impl Session {
    pub(super) fn send_authorized(&self, request: &Request) -> Result<Response, Error> {
        let began = clock::real_now();
        let asked_for = || Duration::from_millis(self.shared().asked_for.load(Ordering::Relaxed));
        let asked_before = asked_for();
        let token = self.token_for(request)?;
        let ends = began + self.timeout + (asked_for() - asked_before);
        let response = self.send(request, &token, ends)?;
        if response.status() != 401 {
            return Ok(response);
        }
        Tally::add(&self.shared().tally.unauthorized);
        if self.report(token.generation)? == Verdict::Final {
            return Ok(response);
        }
        let left = ends.saturating_duration_since(clock::real_now());
        let asked_before = asked_for();
        let token = self.with_timeout(left).token_for(request)?;
        let response = self.send(request, &token, ends + (asked_for() - asked_before))?;
        if response.status() == 401 {
            self.report(token.generation)?;
        }
        Ok(response)
    }

    fn send(&self, request: &Request, token: &LiveToken, ends: Instant) -> Result<Response, Error> {
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
            body: request.body.as_ref().map(|body| body.as_slice()),
            deadline: ends,
            body_limit: shared.response_limit,
            cancel: tokens,
        };
        let answer = shared.http.call(&call);
        answer.map(Response::from).map_err(|error| request_failed(&error, request, &shared.abort_requests))
    }
}

/// What the network says of a request of the program itself.
pub(crate) fn request_failed(error: &HttpError, request: &Request, closing: &CancelToken) -> Error {
    if closing.is_triggered() {
        return flight::closed();
    }
    let code = match error.kind() {
        HttpErrorKind::Timeout => ErrorCode::Timeout,
        HttpErrorKind::Cancelled => ErrorCode::Cancelled,
        HttpErrorKind::Tls => ErrorCode::Tls,
        HttpErrorKind::TooLarge => ErrorCode::TooLarge,
        HttpErrorKind::Request => ErrorCode::InvalidArgument,
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
    if error.was_sent() && !request.method.is_idempotent() { told.not_retryable() } else { told }
}
