//! The client: connections that are kept, and one exchange at a time on each.

use std::fmt;
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::response::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use ureq::unversioned::transport::{ConnectionDetails, Connector};
use ureq::{Agent, AsSendBody, Body, SendBody};

use super::buffers::{LONGEST_ANSWER_HEAD, LONGEST_REQUEST_LINE};
use super::call::{Answer, Call, CallBody};
use super::call_context::CallContext;
use super::connection::{Connection, LineTooLong, Lost};
use super::dialer::{Dialer, stopped};
use super::endpoint::Endpoint;
use super::error::{HttpError, HttpErrorKind, HttpSetupError};
use super::incoming::Incoming;
use super::observer::HttpObserver;
use super::options::HttpOptions;
use super::proxy::ProxyRules;
use super::resolver::{AskedLater, Lookup};
use super::socket::stop_in;
use super::tls_failure;
use super::trust::Trust;
use super::upload::BodyFailed;

/// An idle connection is closed after this. Servers and what stands before them keep theirs for longer.
const LONGEST_IDLE: Duration = Duration::from_secs(8);

/// As many threads as are expected to use one client at a time, each with a connection.
const MOST_IDLE: usize = 64;

/// How often a call starts over because a kept connection turned out to be closed.
const MOST_ATTEMPTS: u32 = 3;

/// Sends requests, and keeps connections for the next ones. `Send + Sync`; calls from several threads run at the same
/// time, each on a connection of its own. Dropping it closes what is idle.
pub(crate) struct HttpClient {
    agent: Agent,
    observer: Option<HttpObserver>,
}

impl HttpClient {
    /// Checks the settings. Opens no connection.
    pub(crate) fn new(options: &HttpOptions) -> Result<Self, HttpSetupError> {
        Self::with_lookup(options, Lookup::system())
    }

    pub(super) fn with_lookup(options: &HttpOptions, lookup: Lookup) -> Result<Self, HttpSetupError> {
        if HeaderValue::from_str(&options.user_agent).is_err() || !options.user_agent.is_ascii() {
            return Err(HttpSetupError::BadUserAgent);
        }
        let dialer = Dialer {
            lookup,
            trust: Trust::new(options)?,
            proxies: ProxyRules::new(&options.proxy)?,
            connect_timeout: options.connect_timeout,
            user_agent: options.user_agent.clone(),
        };
        // Proxy, timeouts and TLS are the dialer's and the sockets' business: ureq must not do them as well.
        let config = Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .user_agent(&options.user_agent)
            .accept("*/*")
            .accept_encoding("")
            .max_response_header_size(LONGEST_ANSWER_HEAD)
            .max_idle_connections(MOST_IDLE)
            .max_idle_connections_per_host(MOST_IDLE)
            .max_idle_age(LONGEST_IDLE)
            .build();
        Ok(Self { agent: Agent::with_parts(config, dialer, AskedLater), observer: options.observer.clone() })
    }

    /// Makes one exchange, within the call's limits, and reads the answer into memory.
    ///
    /// A request is sent once. It is repeated on a fresh connection only where that cannot do it twice: if a kept
    /// connection was closed before a byte had left; or, for GET, HEAD and OPTIONS, before a byte of the answer came;
    /// and only if its body can be read again.
    pub(crate) fn call(&self, call: &Call<'_>) -> Result<Answer, HttpError> {
        self.open(call)?.into_answer(call.body_limit)
    }

    /// Sends the request, and returns when the head of the answer has come. Its body is still to be read.
    pub(crate) fn open(&self, call: &Call<'_>) -> Result<Incoming, HttpError> {
        let uri = call.url.parse::<Uri>().map_err(|error| {
            HttpError::new(HttpErrorKind::Request, format!("the URL is not valid: {error}"))
        })?;
        let server = Endpoint::of(&uri)?;
        check(call)?;
        let context = CallContext::new(call.limit, call.cancel.iter().copied().cloned().collect());
        let _entered = context.enter();
        let mut attempt = 1;
        loop {
            context.begin_attempt();
            context.remaining().map_err(|stop| stopped(stop, &server, &context).sent(context.was_sent()))?;
            match self.observed(call, &uri, &server, &context) {
                Err(error) if attempt < MOST_ATTEMPTS && may_repeat(&error, call, &context) => attempt += 1,
                Err(error) => return Err(error.sent(context.was_sent())),
                Ok((head, body)) => return Incoming::begin(head, body, server, call, &context),
            }
        }
    }

    fn observed(
        &self,
        call: &Call<'_>,
        uri: &Uri,
        server: &Endpoint,
        context: &CallContext,
    ) -> Result<(Parts, Body), HttpError> {
        let Some(observer) = &self.observer else { return self.attempt(call, uri, server, context) };
        observer.request(&call.method, call.url, call.headers);
        let outcome = self.attempt(call, uri, server, context);
        match &outcome {
            Ok((head, _)) => observer.response(head.status.as_u16(), &head.headers),
            Err(error) => observer.failed(error.to_string()),
        }
        outcome
    }

    fn attempt(
        &self,
        call: &Call<'_>,
        uri: &Uri,
        server: &Endpoint,
        context: &CallContext,
    ) -> Result<(Parts, Body), HttpError> {
        let mut request = Request::builder().method(&call.method).uri(uri);
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        let has_body = matches!(call.method, Method::POST | Method::PUT | Method::PATCH);
        let response = match call.body.or(has_body.then_some(CallBody::Bytes(&[]))) {
            Some(CallBody::Bytes(body)) => self.run(request, body),
            Some(CallBody::Source(source, progress)) => {
                if let Some(length) = source.length() {
                    request = request.header(CONTENT_LENGTH, length);
                }
                let mut upload = source.open(progress, context).map_err(|failed| failed.explain())?;
                self.run(request, SendBody::from_reader(&mut upload))
            }
            None => self.run(request, ()),
        };
        response.map(http::Response::into_parts).map_err(|error| classify(error, server, context))
    }

    fn run(
        &self,
        request: http::request::Builder,
        body: impl AsSendBody,
    ) -> Result<http::Response<Body>, ureq::Error> {
        self.agent.run(request.body(body)?)
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

/// What this side must decide alone, or what would be read differently by the server.
fn check(call: &Call<'_>) -> Result<(), HttpError> {
    const MADE_HERE: [HeaderName; 8] =
        [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, EXPECT, TE, TRAILER, UPGRADE];
    let refuse = |why: String| Err(HttpError::new(HttpErrorKind::Request, why));
    if call.method == Method::CONNECT {
        return refuse("CONNECT is no request to a server; set a proxy instead".to_owned());
    }
    if call.method == Method::HEAD && call.body.is_some() {
        return refuse("a HEAD request cannot carry a body; use GET or POST".to_owned());
    }
    if call.url.len() > LONGEST_REQUEST_LINE {
        return refuse(format!("the URL is longer than {LONGEST_REQUEST_LINE} bytes; shorten it"));
    }
    for (name, value) in call.headers {
        if MADE_HERE.contains(name) {
            return refuse(format!("the header {name} is made here and cannot be given; leave it out"));
        }
        if name.as_str().len() + value.len() > LONGEST_REQUEST_LINE {
            return refuse(format!(
                "the header {name} is longer than {LONGEST_REQUEST_LINE} bytes; shorten it"
            ));
        }
    }
    Ok(())
}

/// ureq makes a text for all agents with the first request of a process. This is one, and it goes nowhere.
pub(crate) fn prepare() {
    #[derive(Debug)]
    struct Nowhere;

    impl Connector for Nowhere {
        type Out = Connection;

        fn connect(
            &self,
            _: &ConnectionDetails<'_>,
            _: Option<()>,
        ) -> Result<Option<Connection>, ureq::Error> {
            Err(ureq::Error::ConnectionFailed)
        }
    }

    let config = Agent::config_builder().proxy(None).build();
    drop(Agent::with_parts(config, Nowhere, AskedLater).get("http://127.0.0.1/").call());
}

fn may_repeat(error: &HttpError, call: &Call<'_>, context: &CallContext) -> bool {
    let safe = matches!(call.method, Method::GET | Method::HEAD | Method::OPTIONS);
    error.kind() == HttpErrorKind::Closed
        && context.reused_connection()
        && call.body.is_none_or(CallBody::can_be_sent)
        && (!context.was_sent() || safe && !context.was_answered())
}

pub(super) fn classify(error: ureq::Error, server: &Endpoint, context: &CallContext) -> HttpError {
    match error {
        ureq::Error::Other(inner) => match inner.downcast::<HttpError>() {
            Ok(named) => *named,
            Err(_) => not_http(server, "it could not be read"),
        },
        ureq::Error::Io(error) => classify_io(&error, server, context),
        ureq::Error::LargeResponseHeader(..) => HttpError::new(
            HttpErrorKind::TooLarge,
            format!(
                "the head of the answer of {server} is larger than {LONGEST_ANSWER_HEAD} bytes; check what stands before the server"
            ),
        ),
        ureq::Error::Http(_) | ureq::Error::BadUri(_) => HttpError::new(
            HttpErrorKind::Request,
            format!("the request to {server} is not valid HTTP; check its URL, method and headers"),
        ),
        ureq::Error::Protocol(error) => not_http(server, &without_quotation(&error.to_string())),
        _ => not_http(server, "it could not be understood"),
    }
}

fn classify_io(error: &std::io::Error, server: &Endpoint, context: &CallContext) -> HttpError {
    if let Some(stop) = stop_in(error) {
        return stopped(stop, server, context);
    }
    if let Some(failed) = error.get_ref().and_then(|inner| inner.downcast_ref::<BodyFailed>()) {
        return failed.explain();
    }
    if let Some(reason) = tls_failure::in_io(error) {
        return tls_failure::explain(server, reason);
    }
    if error.get_ref().is_some_and(|inner| inner.is::<LineTooLong>()) {
        return HttpError::new(
            HttpErrorKind::TooLarge,
            format!(
                "the answer of {server} has a line that is too long; check what stands before the server"
            ),
        );
    }
    let when = if context.was_answered() { "in the middle of its answer" } else { "before it answered" };
    let reason = match error.get_ref().and_then(|inner| inner.downcast_ref::<Lost>()) {
        Some(lost) => format!(" ({lost})"),
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => String::new(),
        None => format!(" ({error})"),
    };
    HttpError::new(
        HttpErrorKind::Closed,
        format!(
            "the connection to {server} ended {when}{reason}; try again, and look into the server's log if it recurs"
        ),
    )
}

pub(super) fn not_http(server: &Endpoint, what: &str) -> HttpError {
    HttpError::new(
        HttpErrorKind::Protocol,
        format!(
            "the answer of {server} is not valid HTTP/1.1: {what}; check host and port, and what stands before the server"
        ),
    )
}

/// Some of ureq's messages repeat a header after a colon. Those of its parser are fixed texts.
fn without_quotation(message: &str) -> String {
    match message.split_once(": ") {
        Some((what, _)) if what != "http parse fail" => what.to_owned(),
        _ => message.to_owned(),
    }
}
