//! The endpoints of docs/protocol.md, one function each.

use serde_json::{Value, json};

use crate::accounts::{Account, Step};
use crate::answer::Answer;
use crate::clock::Now;
use crate::instance::Instance;
use crate::limit::RetryAfter;
use crate::stats::{Kind, Outcome, reading};
use crate::tokens::Use;
use crate::wire::Request;

/// Routes a request that no fault has answered. `path` is below the instance's prefix.
pub(crate) fn answer(
    instance: &mut Instance,
    request: &Request,
    path: &str,
    kind: Kind,
    now: Now,
) -> (Outcome, Answer) {
    let counts = kind.is_authentication() && (kind != Kind::Refresh || instance.settings.refresh_counts);
    if counts && let Err(wait_ms) = instance.limit.admit(now.monotonic_ms) {
        return rate_limited(instance, wait_ms);
    }
    if !kind.is_authentication() && instance.always_unauthorized.iter().any(|prefix| path.starts_with(prefix))
    {
        return unauthorized();
    }
    if let Some(route) = instance.route(kind, &request.method, path) {
        let answers = !route.needs_authorization() || is_authorized(instance, request, kind, now);
        return if answers { (Outcome::Ok, route.answer()) } else { unauthorized() };
    }
    match (kind, reading(&request.method), path) {
        (Kind::SignIn, ..) => sign_in(instance, request, now),
        (Kind::Mfa, ..) => verify(instance, request, now),
        (Kind::Refresh, ..) => refresh(instance, request, now),
        (Kind::Whoami, ..) => whoami(instance, request, now),
        (Kind::Echo, ..) => echo(instance, request, now),
        (Kind::Uploads, ..) => uploads(instance, request, path, now),
        (Kind::Health, _, "/api/v1/") => ok(&json!({ "text": "Authenticate at /authenticate" })),
        (Kind::Health, ..) => ok(
            &json!({ "status": "success", "data": { "inMaintenanceMode": instance.faults.in_maintenance() } }),
        ),
        (Kind::Other, "GET", "/api/v2/authenticate/providers") => {
            ok(&json!({ "status": "success", "providers": [{ "name": "PlexTrac", "type": "plextrac" }] }))
        }
        (Kind::Other, _, "/api/v1/forbidden") => forbidden(instance, request, now),
        (Kind::Route | Kind::Other, ..) => (Outcome::NotFound, Answer::error(404, "Not Found")),
    }
}

/// The bytes of `GET /api/v1/uploads/{name}`: a line with the name, then every byte there is, NUL among them.
#[must_use]
pub fn upload_bytes(name: &str) -> Vec<u8> {
    let mut bytes = format!("upload {name}\n").into_bytes();
    bytes.extend(0..=u8::MAX);
    bytes
}

fn sign_in(instance: &mut Instance, request: &Request, now: Now) -> (Outcome, Answer) {
    match json_texts(request, ["username", "password"]) {
        Ok([username, password]) => {
            let step = instance.accounts.sign_in(&username, &password, now);
            conclude(instance, step, now)
        }
        Err(refusal) => refusal,
    }
}

fn verify(instance: &mut Instance, request: &Request, now: Now) -> (Outcome, Answer) {
    match json_texts(request, ["code", "token"]) {
        Ok([code, digits]) => {
            let step = instance.accounts.verify(&code, &digits, now);
            conclude(instance, step, now)
        }
        Err(refusal) => refusal,
    }
}

/// The answer to a sign-in step. It does not give the reason of a rejection.
fn conclude(instance: &mut Instance, step: Step, now: Now) -> (Outcome, Answer) {
    let settings = &instance.settings;
    let rejection = || Answer::refusal(settings.rejection_status, "Invalid credentials");
    match step {
        Step::SignedIn(account) => (Outcome::Ok, tokens_for(instance, &account, now)),
        Step::Challenge { code, tenant_id } => {
            let mut body = json!({ "status": "success", "mfa_enabled": true, "code": code });
            if settings.challenge_tenant_id {
                body["tenant_id"] = json!(tenant_id);
            }
            (Outcome::Challenge, Answer::json(200, &body))
        }
        Step::Rejected => (Outcome::Rejected, rejection()),
        Step::Locked => {
            let answer = match settings.locked_status {
                Some(status) => Answer::refusal(status, "The account is locked"),
                None => rejection(),
            };
            (Outcome::Locked, answer)
        }
    }
}

fn refresh(instance: &mut Instance, request: &Request, now: Now) -> (Outcome, Answer) {
    match caller(instance, request, now).cloned() {
        Some(account) => (Outcome::Ok, tokens_for(instance, &account, now)),
        None => unauthorized(),
    }
}

fn whoami(instance: &Instance, request: &Request, now: Now) -> (Outcome, Answer) {
    match caller(instance, request, now) {
        Some(account) => {
            let mut body = json!({
                "username": account.username,
                "tenantId": account.tenant_id,
                "mfa_enabled": account.totp_secret.is_some(),
            });
            for (name, value) in &instance.settings.whoami_fields {
                body[name] = value.clone();
            }
            ok(&body)
        }
        None => unauthorized(),
    }
}

fn forbidden(instance: &Instance, request: &Request, now: Now) -> (Outcome, Answer) {
    match caller(instance, request, now) {
        Some(_) => (Outcome::Forbidden, Answer::error(403, "Unauthorized: the permission is missing")),
        None => unauthorized(),
    }
}

/// Sends back what a body parser makes of the request: JSON when it is called JSON, nothing when it is called
/// nothing or a form (docs/protocol.md, "The rules that shape everything"), and everything else byte for byte.
fn echo(instance: &Instance, request: &Request, now: Now) -> (Outcome, Answer) {
    if caller(instance, request, now).is_none() {
        return unauthorized();
    }
    let media_type = request.media_type();
    let answer = match media_type.as_str() {
        "" | "application/x-www-form-urlencoded" => Answer::new(200, "", b""),
        "application/json" if request.body.is_empty() => Answer::new(200, "application/json", b""),
        "application/json" => match serde_json::from_slice::<serde::de::IgnoredAny>(&request.body) {
            Ok(_) => Answer::new(200, "application/json", &request.body),
            Err(_) => return bad_request("The body is called JSON and is not"),
        },
        _ => Answer::new(200, request.header("content-type").unwrap_or_default(), &request.body),
    };
    (Outcome::Ok, answer.with_header("x-echo-method", &request.method))
}

fn uploads(instance: &Instance, request: &Request, path: &str, now: Now) -> (Outcome, Answer) {
    if !has_cookie(instance, request, now) {
        return unauthorized();
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    (Outcome::Ok, Answer::new(200, "application/octet-stream", &upload_bytes(name)))
}

/// May a route answer? Uploads want the cookie, everything else the token.
fn is_authorized(instance: &Instance, request: &Request, kind: Kind, now: Now) -> bool {
    match kind {
        Kind::Uploads => has_cookie(instance, request, now),
        _ => caller(instance, request, now).is_some(),
    }
}

/// A valid cookie, and no `Authorization` beside it.
fn has_cookie(instance: &Instance, request: &Request, now: Now) -> bool {
    let cookie = request.header("cookie").unwrap_or_default().split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == "token").then_some(value)
    });
    let known =
        cookie.is_some_and(|cookie| instance.tokens.owner(cookie, Use::Cookie, now.unix_s()).is_some());
    known && request.header("authorization").is_none()
}

/// The account a request is authorized for: by exactly one `Authorization` header, raw or as Bearer.
fn caller<'a>(instance: &'a Instance, request: &Request, now: Now) -> Option<&'a Account> {
    if request.header_count("authorization") != 1 {
        return None;
    }
    let value = request.header("authorization")?.trim();
    let token = match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => value,
    };
    let username = instance.tokens.owner(token, Use::Header, now.unix_s())?;
    instance.accounts.get(username)
}

fn tokens_for(instance: &mut Instance, account: &Account, now: Now) -> Answer {
    let pair = instance.tokens.issue(account, now.unix_s());
    Answer::json(
        200,
        &json!({
            "status": "success",
            "tenant_id": account.tenant_id,
            "token": pair.token,
            "cookie": pair.cookie,
        }),
    )
}

fn rate_limited(instance: &Instance, wait_ms: u64) -> (Outcome, Answer) {
    let answer = Answer::error(429, "Too many authentication requests");
    let seconds = match instance.settings.retry_after {
        RetryAfter::UntilFree => wait_ms.div_ceil(1000).max(1).to_string(),
        RetryAfter::Seconds(seconds) => seconds.to_string(),
        RetryAfter::Absent => return (Outcome::RateLimited, answer),
    };
    (Outcome::RateLimited, answer.with_header("Retry-After", &seconds))
}

/// The named texts of a JSON object. Without the right content type the server sees no body at all.
fn json_texts<const N: usize>(request: &Request, names: [&str; N]) -> Result<[String; N], (Outcome, Answer)> {
    if request.media_type() != "application/json" {
        return Err(bad_request("The request has no body (JSON needs Content-Type: application/json)"));
    }
    let Ok(Value::Object(object)) = serde_json::from_slice(&request.body) else {
        return Err(bad_request("The body is not a JSON object"));
    };
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    let texts: Vec<String> = names.iter().filter_map(|name| text(name)).collect();
    texts.try_into().map_err(|_| bad_request("The body lacks a field that must be a text"))
}

fn ok(value: &Value) -> (Outcome, Answer) {
    (Outcome::Ok, Answer::json(200, value))
}

fn bad_request(message: &str) -> (Outcome, Answer) {
    (Outcome::BadRequest, Answer::refusal(400, message))
}

fn unauthorized() -> (Outcome, Answer) {
    (Outcome::Unauthorized, Answer::error(401, "Invalid or expired token"))
}
